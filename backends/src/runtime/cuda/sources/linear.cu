// Fully connected layer for few images: a warp makes one output of IMAGES_EACH images. Weights lie [out][DEPTH, rounded up to 8]. The inputs of a chunk
// of the depth lie in shared memory as 32-bit values, gathered through the list of offsets.

constexpr int WARPS = THREADS / 32, CHUNK = 1024, VECTOR = 16 / (int)sizeof(Element), STEPS = CHUNK / (32 * VECTOR);
struct alignas(16) Weights { Element e[VECTOR]; };

DEVICE void load_weights(const Arguments& a, Weights* w, const Element* row, int chunk, int lane) {
#pragma unroll
  for (int i = 0; i < STEPS; ++i) {
    const int k = chunk * CHUNK + (i * 32 + lane) * VECTOR;
    if (k < W_ROW) w[i] = *(const Weights*)(row + k);
  }
}

KERNEL(linear) {
  SHARED(memory);
  let_next_start();
  float* x = (float*)memory;                                    // [IMAGES_EACH][CHUNK]
  const int thread = threadIdx.x, lane = thread % 32, out = blockIdx.x * WARPS + thread / 32, image0 = blockIdx.y * IMAGES_EACH;
  const int known = out < ROWS ? out : ROWS - 1, chunks = (DEPTH + CHUNK - 1) / CHUNK;
  const Element* row = (const Element*)a.w + (size_t)known * W_ROW;
  constexpr int LISTED = CHUNK / THREADS; static_assert(CHUNK % THREADS == 0, "linear");
  Weights w[STEPS]; unsigned offsets[LISTED];
  load_weights(a, w, row, 0, lane);
#pragma unroll
  for (int i = 0; i < LISTED; ++i) { const int k = i * THREADS + thread; offsets[i] = k < DEPTH ? a.table[k] : 0; }
  const float bias = floats_at(a, BIAS_AT)[known];
  const size_t to = a.table[OUTPUT_LIST + known], second = RESIDUAL ? a.table[SECOND_LIST + known] : 0;
  float sums[IMAGES_EACH];
#pragma unroll
  for (int n = 0; n < IMAGES_EACH; ++n) sums[n] = 0.f;
  await_previous();
  for (int chunk = 0; chunk < chunks; ++chunk) {
    if (chunk > 0) {
      sync_block();                                                    // everybody has read the chunk before
      load_weights(a, w, row, chunk, lane);
#pragma unroll
      for (int i = 0; i < LISTED; ++i) { const int k = chunk * CHUNK + i * THREADS + thread; offsets[i] = k < DEPTH ? a.table[k] : 0; }
    }
#pragma unroll
    for (int n = 0; n < IMAGES_EACH; ++n)
#pragma unroll
      for (int i = 0; i < LISTED; ++i) {
        const int k = chunk * CHUNK + i * THREADS + thread;
        x[n * CHUNK + i * THREADS + thread] = k < DEPTH && image0 + n < IMAGES ? to_float(a.x[(size_t)offsets[i] + (size_t)(image0 + n) * IMAGE_STRIDE]) : 0.f;
      }
    sync_block();
#pragma unroll
    for (int i = 0; i < STEPS; ++i) {
      const int k = (i * 32 + lane) * VECTOR;
      if (chunk * CHUNK + k < W_ROW) {
#pragma unroll
        for (int n = 0; n < IMAGES_EACH; ++n)
#pragma unroll
          for (int v = 0; v < VECTOR; v += 4) {
            const Float4 q = load4(x + n * CHUNK + k + v);
            sums[n] += to_float(w[i].e[v]) * q.x + to_float(w[i].e[v + 1]) * q.y + to_float(w[i].e[v + 2]) * q.z + to_float(w[i].e[v + 3]) * q.w;
          }
      }
    }
  }
#pragma unroll
  for (int n = 0; n < IMAGES_EACH; ++n) {
    float s = sum_of_warp(sums[n]) + bias;
    if (lane == 0 && out < ROWS && image0 + n < IMAGES) {
      if (RESIDUAL) s += to_float(a.second[second + image0 + n]);
      store(a.y + to + image0 + n, ACTIVATED(ACTIVATION, s));
    }
  }
}
