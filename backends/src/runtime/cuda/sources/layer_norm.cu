// Each pixel's channels less their mean, over their deviation; then scale and shift of each channel. A thread has a pixel: neighbours read one piece.

KERNEL(layer_norm) {
  let_next_start();
  const int i = blockIdx.x * THREADS + threadIdx.x, image = i / PIXELS, pixel = i % PIXELS;
  const float* scale = floats_at(a, 0); const float* shift = floats_at(a, BIAS_AT);
  await_previous();
  if (image >= IMAGES) return;
  const size_t place = (size_t)image * INPUT_STRIDE + pixel;
  float sum = 0.f, squares = 0.f;
  for (int c = 0; c < CHANNELS; ++c) sum += to_float(a.x[a.table[c] + place]);
  const float mean = sum / (float)CHANNELS;
  for (int c = 0; c < CHANNELS; ++c) { const float off = to_float(a.x[a.table[c] + place]) - mean; squares += off * off; }
  const float factor = 1.f / sqrtf(squares / (float)CHANNELS + int_to_float(EPS));
  for (int c = 0; c < CHANNELS; ++c) {
    const float v = (to_float(a.x[a.table[c] + place]) - mean) * factor * scale[c] + shift[c];
    store(a.y + a.table[OUTPUT_LIST + c] + i, ACTIVATED(ACTIVATION, v));
  }
}
