// Convolutions and fully connected layers as one product Y[rows][columns] = W[rows][depth] X[depth][columns]: rows are output channels of a group,
// columns are pixels of all images. What X is, is chosen by INPUT:
enum { INPUT_PLANES,      // a channel's plane is a row of X: pointwise, stride 1
       INPUT_WINDOWS,     // implicit GEMM: depth = tap * channels + channel
       INPUT_STRIDED,     // a feature of a flattened map: element `offset[k] + column * IMAGE_STRIDE`
       INPUT_DEPTHWISE }; // a depthwise convolution, computed here and kept in shared memory
// MEAN: a block takes one image's pixels and writes their mean. CLUSTER blocks share the depth and sum through distributed shared memory.

DEVICE int depth_chunks(const Arguments& a) { return (DEPTH + BK - 1) / BK; }
constexpr bool PLANES = INPUT == INPUT_PLANES, WINDOWS = INPUT == INPUT_WINDOWS, DEPTHWISE = INPUT == INPUT_DEPTHWISE;
// Halves are too small for copies in the background where they do not lie side by side: through registers then.
constexpr bool THROUGH_REGISTERS = HALF && (INPUT == INPUT_WINDOWS || INPUT == INPUT_STRIDED);
constexpr int X_STAGE = DEPTHWISE ? 0 : BK * X_PITCH, STAGE = W_STAGE + X_STAGE;
// A thread's columns of X and the rows it takes of them, where X is gathered element by element.
constexpr int COLUMNS_EACH = greater(1, BN / THREADS), ROW_STEP = greater(1, THREADS / BN);
constexpr int GATHERED = WINDOWS || INPUT == INPUT_STRIDED ? (BK + ROW_STEP - 1) / ROW_STEP * COLUMNS_EACH : 1;

// Where the window of each of a thread's columns begins.
static_assert(PLANES || THREADS % BN == 0 || BN % THREADS == 0, "columns are shared evenly");
struct Columns { int at[COLUMNS_EACH], y[COLUMNS_EACH], x[COLUMNS_EACH]; };
DEVICE void window_of(const Arguments& a, int column, int& at, int& y, int& x) {
  const int image = column / OUT_PIXELS, pixel = column % OUT_PIXELS;
  y = pixel / OUT_W * STRIDE_H - PAD_H; x = pixel % OUT_W * STRIDE_W - PAD_W; at = (image * IN_H + y) * IN_W + x;
  if (column >= COLUMNS) y = -0x40000000;
}
DEVICE Columns columns_of(const Arguments& a, int first) {
  Columns c;
#pragma unroll
  for (int i = 0; i < COLUMNS_EACH; ++i) {
    const int column = first + (int)threadIdx.x % BN + i * THREADS;
    if constexpr (WINDOWS || DEPTHWISE) window_of(a, column, c.at[i], c.y[i], c.x[i]);
    else { c.at[i] = column * IMAGE_STRIDE; c.y[i] = column < COLUMNS ? 0 : -1; c.x[i] = 0; }
  }
  return c;
}
// The address of X[k][column i], null where there is none.
DEVICE const Element* gathered(const Arguments& a, const int* offsets, const Columns& c, int k, int i) {
  if (k >= DEPTH) return nullptr;
  if constexpr (WINDOWS) {
    const int tap = k / CHANNELS, channel = k % CHANNELS, dy = tap / KERNEL_W * DILATION_H, dx = tap % KERNEL_W * DILATION_W;
    const bool here = (unsigned)(c.y[i] + dy) < (unsigned)IN_H && (unsigned)(c.x[i] + dx) < (unsigned)IN_W;
    return here ? a.x + (size_t)(unsigned)offsets[channel] + (c.at[i] + dy * IN_W + dx) : nullptr;
  } else return c.y[i] == 0 ? a.x + (size_t)(unsigned)offsets[k] + c.at[i] : nullptr;
}
template <class F> DEVICE void each_gathered(F f) {
#pragma unroll
  for (int r = 0; r < GATHERED / COLUMNS_EACH; ++r)
#pragma unroll
    for (int i = 0; i < COLUMNS_EACH; ++i) {
      const int k = (int)threadIdx.x / BN + r * ROW_STEP;
      if (BK % ROW_STEP == 0 || k < BK) f(r * COLUMNS_EACH + i, k, (int)threadIdx.x % BN + i * THREADS, i);
    }
}

DEVICE void load_input(const Arguments& a, const int* offsets, const Columns& columns, Element* to, int chunk, int first) {
  if constexpr (PLANES) {
    for (int e = threadIdx.x; e < BK * (BN / 4); e += THREADS) {
      const int r = e / (BN / 4), q = e % (BN / 4) * 4, k = chunk * BK + r, p = first + q; const bool here = k < DEPTH && p < COLUMNS;
      copy4_async(to + r * X_PITCH + q, here ? a.x + (size_t)(unsigned)offsets[k] + p : a.x, here);
    }
  } else if constexpr (sizeof(Element) == 4 && !DEPTHWISE) {
    each_gathered([&](int, int r, int q, int i) {
      const Element* from = gathered(a, offsets, columns, chunk * BK + r, i);
      copy_async<sizeof(Element) == 4 ? 4 : 16>(to + r * X_PITCH + q, from ? from : a.x, from != nullptr);
    });
  }
}
DEVICE void fetch_input(const Arguments& a, const int* offsets, const Columns& columns, Element* registers, int chunk) {
  each_gathered([&](int n, int r, int, int i) {
    const Element* from = gathered(a, offsets, columns, chunk * BK + r, i); Element zero = from_float(registers, 0.f);
    registers[n] = from ? *from : zero;
  });
}
DEVICE void put_input(const Element* registers, Element* to) { each_gathered([&](int n, int r, int q, int) { to[r * X_PITCH + q] = registers[n]; }); }

// All of X[depth][BN] by a depthwise convolution; `filters` in shared memory: [depth][taps], then [depth] biases.
DEVICE void depthwise_input(const Arguments& a, const int* offsets, const Columns& columns, const float* filters, Element* to) {
  const int taps = KERNEL_H * KERNEL_W, all = depth_chunks(a) * BK * COLUMNS_EACH;
#pragma unroll 2
  for (int e = threadIdx.x / BN; e < all; e += ROW_STEP) {
    // Threads beside one another have columns beside one another; with more columns than threads a thread has several of a row.
    const int k = e / COLUMNS_EACH, i = e % COLUMNS_EACH, q = threadIdx.x % BN + i * THREADS, y = columns.y[i], x = columns.x[i], at = columns.at[i]; float sum = 0.f;
    if (k < DEPTH && y > -0x20000000) {
      const Element* plane = a.x + (size_t)(unsigned)offsets[k]; const float* w = filters + k * taps;
      sum = filters[DEPTH * taps + k];
#pragma unroll
      for (int i = 0; i < KERNEL_H; ++i)
#pragma unroll
        for (int j = 0; j < KERNEL_W; ++j) {
          const int dy = i * DILATION_H, dx = j * DILATION_W;
          if ((unsigned)(y + dy) < (unsigned)IN_H && (unsigned)(x + dx) < (unsigned)IN_W) sum += w[i * KERNEL_W + j] * to_float(plane[at + dy * IN_W + dx]);
        }
      sum = ACTIVATED(FIRST_ACTIVATION, sum);
    }
    store(to + k * X_PITCH + q, sum);
  }
}

// What the block knows of its rows, in shared memory.
struct Rows { int output[BM], second[BM]; float bias[BM]; };

// The sum of all parts of C at a row and four columns, or one.
DEVICE Float4 total4(const float* c, int row, int column) {
  Float4 s = {0.f, 0.f, 0.f, 0.f};
#pragma unroll
  for (int r = 0; r < CLUSTER; ++r)
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      const float* p = c + (part * BM + row) * C_PITCH + column; Float4 t;
#if CLUSTER > 1
      load_peer4(&t.x, p, r);
#else
      t = load4(p);
#endif
      s.x += t.x; s.y += t.y; s.z += t.z; s.w += t.w;
    }
  return s;
}
DEVICE float total(const float* c, int row, int column) {
  float s = 0.f;
#pragma unroll
  for (int r = 0; r < CLUSTER; ++r)
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
      const float* p = c + (part * BM + row) * C_PITCH + column;
#if CLUSTER > 1
      s += load_peer(p, r);
#else
      s += *p;
#endif
    }
  return s;
}
DEVICE void finish4(const Arguments& a, const Rows& rows, int row, int column, Float4 v) {
  const float b = rows.bias[row]; v.x += b; v.y += b; v.z += b; v.w += b;
  if (RESIDUAL) { const Float4 r = load4(a.second + (size_t)(unsigned)rows.second[row] + column); v.x += r.x; v.y += r.y; v.z += r.z; v.w += r.w; }
  v.x = ACTIVATED(ACTIVATION, v.x); v.y = ACTIVATED(ACTIVATION, v.y); v.z = ACTIVATED(ACTIVATION, v.z); v.w = ACTIVATED(ACTIVATION, v.w);
  store4(a.y + (size_t)(unsigned)rows.output[row] + column, v);
}

KERNEL(matmul) {
  SHARED(memory);
  let_next_start();
  const int thread = threadIdx.x, rank = blockIdx.x % CLUSTER, tile = blockIdx.x / CLUSTER, row0 = blockIdx.y * BM, group = blockIdx.z;
#if MEAN
  const int begin = tile * OUT_PIXELS, first = begin & ~3;      // of image `tile`
#else
  const int first = tile * BN;
#endif
  const int chunks = depth_chunks(a), from = chunks * rank / CLUSTER, count = chunks * (rank + 1) / CLUSTER - from;
  const int listed = WINDOWS ? CHANNELS : DEPTH, kept = DEPTHWISE ? chunks * BK : 0;
  Rows& rows = *(Rows*)memory;
  Element* stages = (Element*)(memory + round_up(sizeof(Rows), 16));
  Element* input = stages + greater(STAGES * STAGE, PARTS * BM * C_PITCH * 4 / (int)sizeof(Element));
  float* filters = (float*)(input + kept * X_PITCH);
  int* offsets = (int*)filters + (DEPTHWISE ? DEPTH * (KERNEL_H * KERNEL_W + 1) : 0);
#if TENSOR
  const Element* W = (const Element*)a.w + (size_t)group * W_GROUP + (size_t)row0 * W_ROW;
#else
  const Element* W = (const Element*)a.w + (size_t)group * W_GROUP + row0;
#endif
  // Weights and lists depend on no other kernel.
#pragma unroll
  for (int s = 0; s < STAGES - 1; ++s) if (s < count) load_weights(a, W, stages + s * STAGE, from + s);
  for (int e = thread; e < listed; e += THREADS) offsets[e] = (int)a.table[group * listed + e];
  for (int e = thread; e < BM; e += THREADS) if (row0 + e < ROWS) {
    const int channel = group * ROWS + row0 + e;
    rows.output[e] = (int)a.table[OUTPUT_LIST + channel]; rows.bias[e] = floats_at(a, BIAS_AT)[channel];
    if (RESIDUAL) rows.second[e] = (int)a.table[SECOND_LIST + channel];
  }
  if constexpr (DEPTHWISE) for (int e = thread; e < DEPTH * (KERNEL_H * KERNEL_W + 1); e += THREADS) filters[e] = floats_at(a, DEPTHWISE_AT)[e];
  sync_block();
  await_previous();
  const Columns columns = columns_of(a, first);
  if constexpr (DEPTHWISE) depthwise_input(a, offsets, columns, filters, input);
  Element registers[THROUGH_REGISTERS ? GATHERED : 1];
#pragma unroll
  for (int s = 0; s < STAGES - 1; ++s) {
    if (s < count) {
      if constexpr (THROUGH_REGISTERS) { fetch_input(a, offsets, columns, registers, from + s); put_input(registers, stages + s * STAGE + W_STAGE); }
      else load_input(a, offsets, columns, stages + s * STAGE + W_STAGE, from + s, first);
    }
    copy_commit();
  }
  Products products;
  for (int i = 0; i < count; ++i) {
    copy_wait<STAGES - 2>();
    sync_block();
    const int next = i + STAGES - 1; Element* ahead = stages + next % STAGES * STAGE;
    if (next < count) {
      load_weights(a, W, ahead, from + next);
      if constexpr (THROUGH_REGISTERS) fetch_input(a, offsets, columns, registers, from + next);
      else load_input(a, offsets, columns, ahead + W_STAGE, from + next, first);
    }
    copy_commit();
    const Element* stage = stages + i % STAGES * STAGE;
    products.add(stage, DEPTHWISE ? input + (from + i) * BK * X_PITCH : stage + W_STAGE, X_PITCH);
    if constexpr (THROUGH_REGISTERS) if (next < count) put_input(registers, ahead + W_STAGE);
  }
#if !TENSOR && KSPLIT == 1 && CLUSTER == 1 && !MEAN
#pragma unroll
  for (int i = 0; i < TM; ++i) {
    const int row = tile_row(thread, i);
    if (row0 + row < ROWS)
#pragma unroll
      for (int v = 0; v < N_VECTORS; ++v) {
        const int column = first + tile_column(thread, v); const float* p = products.c[i] + 4 * v; const Float4 q = {p[0], p[1], p[2], p[3]};
        if (column < COLUMNS) finish4(a, rows, row, column, q);
      }
  }
#else
  copy_wait<0>();
  sync_block();
  float* c = (float*)stages;
  products.spill(c);
#if CLUSTER > 1
  cluster_arrive(); cluster_wait();
#else
  sync_block();
#endif
#if MEAN
  constexpr int WARPS = THREADS / 32;
  if (thread < WARPS * 32)
    for (int row = thread / 32 * CLUSTER + rank; row < BM && row0 + row < ROWS; row += WARPS * CLUSTER) {
      float s = 0.f;
      for (int q = thread % 32; q < OUT_PIXELS; q += 32) {
        float v = total(c, row, begin - first + q) + rows.bias[row];
        if (RESIDUAL) v += to_float(a.second[(size_t)(unsigned)rows.second[row] + begin + q]);
        s += ACTIVATED(ACTIVATION, v);
      }
      s = sum_of_warp(s);
      if (thread % 32 == 0) store(a.y + (size_t)(unsigned)rows.output[row] + tile, ACTIVATED(LAST_ACTIVATION, s / OUT_PIXELS));
    }
#else
  for (int e = thread * CLUSTER + rank; e < BM * (BN / 4); e += THREADS * CLUSTER) {
    const int row = e / (BN / 4), q = e % (BN / 4) * 4;
    if (row0 + row < ROWS && first + q < COLUMNS) finish4(a, rows, row, first + q, total4(c, row, q));
  }
#endif
#if CLUSTER > 1
  cluster_arrive(); cluster_wait();                              // nobody leaves while others read its part
#endif
#endif
}
