// The mean over all pixels, a warp for an image's channel.

KERNEL(global_mean) {
  let_next_start();
  const int lane = threadIdx.x % 32, i = blockIdx.x * (THREADS / 32) + threadIdx.x / 32; const bool mine = i < CHANNELS * IMAGES;
  const int channel = mine ? i / IMAGES : 0, image = mine ? i % IMAGES : 0;
  const size_t from = a.table[channel], to = a.table[OUTPUT_LIST + channel];
  await_previous();
  const Element* plane = a.x + from + (size_t)image * PIXELS; float s = 0.f;
  for (int p = lane; p < PIXELS; p += 32) s += to_float(plane[p]);
  s = sum_of_warp(s);
  if (mine && lane == 0) store(a.y + to + image, activate(ACTIVATION, s / (float)PIXELS));
}
