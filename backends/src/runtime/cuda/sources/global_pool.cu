// The mean or the maximum over all pixels, a warp for an image's channel.

KERNEL(global_pool) {
  let_next_start();
  const int lane = threadIdx.x % 32, i = blockIdx.x * (THREADS / 32) + threadIdx.x / 32; const bool mine = i < CHANNELS * IMAGES;
  const int channel = mine ? i / IMAGES : 0, image = mine ? i % IMAGES : 0;
  const size_t from = a.table[channel], to = a.table[OUTPUT_LIST + channel];
  await_previous();
  const Element* plane = a.x + from + (size_t)image * PIXELS; float s = MAXIMUM ? -bits_to_float(0x7f800000u) : 0.f;
  for (int p = lane; p < PIXELS; p += 32) { const float e = to_float(plane[p]); s = MAXIMUM ? larger(s, e) : s + e; }
#pragma unroll
  for (int m = 16; m; m >>= 1) { const float e = shuffle_xor(s, m); s = MAXIMUM ? larger(s, e) : s + e; }
  if (!MAXIMUM) s /= (float)PIXELS;
  if (mine && lane == 0) store(a.y + to + image, ACTIVATED(ACTIVATION, s));
}
