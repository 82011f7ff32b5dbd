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
struct Arguments { const Element* x; Element* y; const unsigned char* w; const unsigned* table; const Element* second; int sizes[40]; };

enum {
  KIND_NONE, KIND_RELU, KIND_RELU6, KIND_HARD_SWISH, KIND_SIGMOID, KIND_CLIP, KIND_LEAKY, KIND_ELU, KIND_HARD_SIGMOID, KIND_SWISH, KIND_TANH, KIND_GELU,
  KIND_GELU_TANH, KIND_MISH, KIND_SOFTPLUS
};

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

// A size that is the bits of a constant.
DEVICE float int_to_float(int bits) { return bits_to_float((unsigned)bits); }
DEVICE float clamped(float v, float low, float high) { v = v < low ? low : v; return v > high ? high : v; }
DEVICE float softplus(float v) { return (v > 0.f ? v : 0.f) + log1pf(expf(-fabsf(v))); }
// `first` and `second` are the bits of what some activations compute with. A text for all activations has the rarer ones once.
#ifdef BAKED
DEVICE
#else
CALLED
#endif
float rarer(int kind, float v, int first, int second) {
  const float a = int_to_float(first), b = int_to_float(second);
  if (kind == KIND_CLIP) return clamped(v, a, b);
  if (kind == KIND_LEAKY) return v < 0.f ? a * v : v;
  if (kind == KIND_ELU) return v < 0.f ? a * expm1f(v) : v;
  if (kind == KIND_HARD_SIGMOID) return clamped(a * v + b, 0.f, 1.f);
  if (kind == KIND_SWISH) return v / (1.f + expf(-a * v));
  if (kind == KIND_TANH) return tanhf(v);
  if (kind == KIND_GELU) return .5f * v * erfcf(v * -.70710678f);
  if (kind == KIND_GELU_TANH) return v / (1.f + expf(-v * (1.5957691f + .071354814f * v * v)));
  if (kind == KIND_MISH) return v * tanhf(softplus(v));
  return softplus(v);
}
// What is not a number stays one.
DEVICE float activate(int kind, float v, int first, int second) {
  if (kind == KIND_NONE) return v;
  if (kind == KIND_RELU) return v < 0.f ? 0.f : v;
  if (kind == KIND_RELU6) return clamped(v, 0.f, 6.f);
  if (kind == KIND_HARD_SWISH) return v * clamped(v + 3.f, 0.f, 6.f) / 6.f;
  if (kind == KIND_SIGMOID) return 1.f / (1.f + expf(-v));
  return rarer(kind, v, first, second);
}
// `name` is that of the activation's number.
#define ACTIVATED(name, v) activate(name, v, name##_A, name##_B)
// The greater one; what is not a number wins.
DEVICE float larger(float a, float b) { return a > b || a != a ? a : b; }

DEVICE float sum_of_warp(float v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) v += shuffle_xor(v, m);
  return v;
}
DEVICE const float* floats_at(const Arguments& a, int byte) { return (const float*)(a.w + byte); }
