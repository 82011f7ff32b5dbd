// Runs a network's kernels one after another on memories that they share: the end of a text that has `emulator.h`, kernels in namespaces and
// `kernels[]` before it.
//
// The file has 32-bit integers: the order of threads, a number of memories, the bytes of each, and these; a number of launches, and for each the
// kernel, grid (3), threads, cluster, bytes of shared memory, memory and byte of x, y, w, table and second, 40 sizes. All memories are written.

static std::vector<unsigned char> read_all(const char* path) {
  std::FILE* f = std::fopen(path, "rb"); if (!f) emulator::fail("cannot read the network");
  std::vector<unsigned char> all; unsigned char part[65536]; size_t n;
  while ((n = std::fread(part, 1, sizeof part, f)) > 0) all.insert(all.end(), part, part + n);
  std::fclose(f); return all;
}

int main(int count, char** words) {
  if (count != 3) emulator::fail("usage: NETWORK RESULTS");
  const std::vector<unsigned char> file = read_all(words[1]); size_t at = 0;
  const auto take = [&](size_t bytes) { if (at + bytes > file.size()) emulator::fail("the file ends early"); const unsigned char* p = file.data() + at; at += bytes; return p; };
  const auto number = [&]() { int32_t v; std::memcpy(&v, take(4), 4); return v; };
  const int order = number(), memories = number();
  std::vector<int> lengths; for (int i = 0; i < memories; ++i) lengths.push_back(number());
  std::vector<emulator::Guarded> memory;
  for (const int bytes : lengths) { memory.emplace_back((size_t)bytes); std::memcpy(memory.back().start, take((size_t)bytes), (size_t)bytes); }
  emulator::copies_at_once = order == 0;
  const int launches = number();
  for (int launch = 0; launch < launches; ++launch) {
    int head[7]; for (int& v : head) v = number();
    unsigned char* of[5]; for (auto& p : of) { const int index = number(), byte = number(); p = memory[index].start + byte; }
    Raw raw; raw.x = of[0]; raw.y = of[1]; raw.w = of[2]; raw.table = of[3]; raw.second = of[4];
    for (int& v : raw.sizes) v = number();
    std::fprintf(stderr, "launch %d, kernel %d\n", launch, head[0]);
    emulator::run({(unsigned)head[1], (unsigned)head[2], (unsigned)head[3]}, (unsigned)head[4], (unsigned)head[5], (size_t)head[6], (emulator::Order)order, [&]() { kernels[head[0]](raw); });
  }
  std::FILE* out = std::fopen(words[2], "wb"); if (!out) emulator::fail("cannot write results");
  for (int i = 0; i < memories; ++i) std::fwrite(memory[i].start, 1, (size_t)lengths[i], out);
  return std::fclose(out) == 0 ? 0 : 3;
}
