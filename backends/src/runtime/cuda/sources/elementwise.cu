// What is done value by value: `activation(x * scale + shift + second)`, times the second operand or the channel's gate, or with a slope below zero. PLAIN: all images of a channel lie side by side,
// in input and second operand, so that four values are taken at once; else (a flattened map) an image's channels are `INPUT_STRIDE` apart.

DEVICE float changed(const Arguments& a, float v, float scale, float shift, float second) {
  if (AFFINE) v = v * scale + shift;
  if (LEAKY) v = v < 0.f ? v * scale : v;
  if (GATE || MULTIPLY) v *= second;
  if (ADD || SHIFT) v += second;
  return ACTIVATED(ACTIVATION, v);
}

KERNEL(elementwise) {
  let_next_start();
  const int channel = blockIdx.y, all = IMAGES * PIXELS, i = (blockIdx.x * THREADS + threadIdx.x) * (PLAIN ? 4 : 1);
  const size_t from = a.table[channel], to = a.table[OUTPUT_LIST + channel], second = GATE || SHIFT || MULTIPLY || ADD ? a.table[SECOND_LIST + channel] : 0;
  const float scale = AFFINE || LEAKY ? floats_at(a, 0)[channel] : 1.f, shift = AFFINE ? floats_at(a, BIAS_AT)[channel] : 0.f;
  await_previous();
  if (i >= all) return;
#if PLAIN
  Float4 v = load4(a.x + from + i), s = {0.f, 0.f, 0.f, 0.f};
  if (ADD || MULTIPLY) s = load4(a.second + second + i);
  if (GATE || SHIFT) {
    const Element* gates = a.second + second; const int last = IMAGES - 1;
    const int n0 = i / PIXELS, n1 = (i + 1) / PIXELS, n2 = (i + 2) / PIXELS, n3 = (i + 3) / PIXELS;
    s.x = to_float(gates[(size_t)n0 * SECOND_STRIDE]); s.y = to_float(gates[(size_t)(n1 < last ? n1 : last) * SECOND_STRIDE]);
    s.z = to_float(gates[(size_t)(n2 < last ? n2 : last) * SECOND_STRIDE]); s.w = to_float(gates[(size_t)(n3 < last ? n3 : last) * SECOND_STRIDE]);
  }
  v.x = changed(a, v.x, scale, shift, s.x); v.y = changed(a, v.y, scale, shift, s.y); v.z = changed(a, v.z, scale, shift, s.z); v.w = changed(a, v.w, scale, shift, s.w);
  store4(a.y + to + i, v);
#else
  const int image = i / PIXELS, pixel = i % PIXELS; float s = 0.f;
  if (ADD || MULTIPLY) s = to_float(a.second[second + (size_t)image * SECOND_STRIDE + pixel]);
  if (GATE || SHIFT) s = to_float(a.second[second + (size_t)image * SECOND_STRIDE]);
  store(a.y + to + i, changed(a, to_float(a.x[from + (size_t)image * INPUT_STRIDE + pixel]), scale, shift, s));
#endif
}
