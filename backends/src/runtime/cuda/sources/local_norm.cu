// Each value over a power of the squares of its neighbours in other channels.

KERNEL(local_norm) {
  let_next_start();
  const int channel = blockIdx.y, i = blockIdx.x * THREADS + threadIdx.x, image = i / PIXELS, pixel = i % PIXELS;
  await_previous();
  if (image >= IMAGES) return;
  const size_t place = (size_t)image * INPUT_STRIDE + pixel;
  const int first = channel > BEFORE ? channel - BEFORE : 0, last = channel + BEHIND < CHANNELS ? channel + BEHIND : CHANNELS - 1;
  float squares = 0.f;
  for (int c = first; c <= last; ++c) { const float v = to_float(a.x[a.table[c] + place]); squares += v * v; }
  const float d = squares * int_to_float(ALPHA) + int_to_float(OFFSET), power = powf(d, int_to_float(BETA));
  store(a.y + a.table[OUTPUT_LIST + channel] + i, ACTIVATED(ACTIVATION, to_float(a.x[a.table[channel] + place]) / power));
}
