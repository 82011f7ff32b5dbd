// What all kernels share: elements, arguments, activations.

struct alignas(16) Float4 { float x, y, z, w; };
struct alignas(8) Float2 { float x, y; };
struct alignas(8) Bits2 { unsigned x, y; };

#if HALF
typedef Half Element;
#else
typedef float Element;
#endif

// Banks of input, output and second operand, weights as the kernel's `pack` laid them out, lists of plane offsets. A size that is no constant of the
// text (`#define`) is read from `sizes`.
struct Arguments { const Element* x; Element* y; const unsigned char* w; const unsigned* table; const Element* second; int sizes[32]; };

enum { ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU6, ACTIVATION_HARD_SWISH, ACTIVATION_SIGMOID };

BOTH_SIDES constexpr int round_up(int a, int b) { return (a + b - 1) / b * b; }
BOTH_SIDES constexpr int greater(int a, int b) { return a > b ? a : b; }

DEVICE Element from_float(Element*, float v) {
#if HALF
  return to_half(v);
#else
  return v;
#endif
}
DEVICE void store(Element* p, float v) { *p = from_float(p, v); }
DEVICE void store4(float* p, Float4 v) { *(Float4*)p = v; }
DEVICE void store4(Half* p, Float4 v) { Bits2 b = {to_halves(v.x, v.y), to_halves(v.z, v.w)}; *(Bits2*)p = b; }
DEVICE Float4 load4(const float* p) { return *(const Float4*)p; }
DEVICE Float4 load4(const Half* p) {
  Bits2 b = *(const Bits2*)p; Half h[4];
  h[0].bits = b.x & 0xffff; h[1].bits = b.x >> 16; h[2].bits = b.y & 0xffff; h[3].bits = b.y >> 16;
  Float4 v = {to_float(h[0]), to_float(h[1]), to_float(h[2]), to_float(h[3])};
  return v;
}
// Four neighbouring elements of a plane into shared memory as they are.
DEVICE void copy4_async(Element* to, const Element* from, bool here) { copy_async<4 * sizeof(Element)>(to, from, here); }

// What is not a number stays one.
DEVICE float activate(int kind, float v) {
  if (kind == ACTIVATION_RELU) return v < 0.f ? 0.f : v;
  if (kind == ACTIVATION_RELU6) { v = v < 0.f ? 0.f : v; return v > 6.f ? 6.f : v; }
  if (kind == ACTIVATION_HARD_SWISH) { float s = v + 3.f; s = s < 0.f ? 0.f : s; s = s > 6.f ? 6.f : s; return v * s / 6.f; }
  if (kind == ACTIVATION_SIGMOID) return 1.f / (1.f + expf(-v));
  return v;
}
// The greater one; what is not a number wins.
DEVICE float larger(float a, float b) { return a > b || a != a ? a : b; }

DEVICE float sum_of_warp(float v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) v += shuffle_xor(v, m);
  return v;
}
DEVICE const float* floats_at(const Arguments& a, int byte) { return (const float*)(a.w + byte); }
