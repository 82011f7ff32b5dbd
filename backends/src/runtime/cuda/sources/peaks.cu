// What a card can do at most: multiply and add in registers, copy, or be launched.

KERNEL(peak_multiply_adds) {
  let_next_start();
  await_previous();
  const float b = a.x[0] * 0.5f + 0.25f, c = a.x[1]; float s[ADDS];
#pragma unroll
  for (int k = 0; k < ADDS; ++k) s[k] = (float)(threadIdx.x + k);
  for (int i = 0; i < STEPS; ++i) {
#pragma unroll
    for (int k = 0; k < ADDS; ++k) s[k] = s[k] * b + c;
  }
  float sum = 0.f;
#pragma unroll
  for (int k = 0; k < ADDS; ++k) sum += s[k];
  // Never so, which the compiler cannot know.
  if (sum == 12345.678f) a.y[0] = sum;
}

KERNEL(peak_copy) {
  let_next_start();
  await_previous();
  const int i = blockIdx.x * THREADS + threadIdx.x;
  if (i < VECTORS) store4(a.y + (size_t)i * 4, load4(a.x + (size_t)i * 4));
}

KERNEL(peak_launch) {
  let_next_start();
  await_previous();
  a.y[threadIdx.x] = a.y[threadIdx.x] * 0.5f + a.x[threadIdx.x];
}
