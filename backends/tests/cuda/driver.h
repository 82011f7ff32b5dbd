// Runs kernels as a file says: the end of a text that has `emulator.h`, kernels in namespaces and `kernels[]` before it.
//
// The file has 32-bit integers: a number of jobs, then for each job the kernel, grid (3), threads, cluster, bytes of shared memory, the banks of input,
// output and second operand, 40 sizes, the bytes of weights, table and three banks, and these five. What the output's bank has afterwards is written.

static std::vector<unsigned char> read_all(const char* path) {
  std::FILE* f = std::fopen(path, "rb"); if (!f) emulator::fail("cannot read the jobs");
  std::vector<unsigned char> all; unsigned char part[65536]; size_t n;
  while ((n = std::fread(part, 1, sizeof part, f)) > 0) all.insert(all.end(), part, part + n);
  std::fclose(f); return all;
}

int main(int count, char** words) {
  if (count != 3) emulator::fail("usage: JOBS RESULTS");
  const std::vector<unsigned char> file = read_all(words[1]); size_t at = 0;
  const auto take = [&](size_t bytes) { if (at + bytes > file.size()) emulator::fail("the file of jobs ends early"); const unsigned char* p = file.data() + at; at += bytes; return p; };
  const auto number = [&]() { int32_t v; std::memcpy(&v, take(4), 4); return v; };
  std::FILE* out = std::fopen(words[2], "wb"); if (!out) emulator::fail("cannot write results");
  const int jobs = number();
  for (int job = 0; job < jobs; ++job) {
    int head[10]; for (int& v : head) v = number();
    Raw raw; for (int& v : raw.sizes) v = number();
    int lengths[5]; for (int& v : lengths) v = number();
    const unsigned char* data[5]; for (int i = 0; i < 5; ++i) data[i] = take((size_t)lengths[i]);
    std::vector<unsigned char> first;
    for (int round = 0; round < 3; ++round) {
      std::vector<emulator::Guarded> memory;
      for (int i = 0; i < 5; ++i) { memory.emplace_back((size_t)lengths[i]); std::memcpy(memory[i].start, data[i], (size_t)lengths[i]); }
      raw.w = memory[0].start; raw.table = memory[1].start; raw.x = memory[2 + head[7]].start; raw.y = memory[2 + head[8]].start; raw.second = memory[2 + head[9]].start;
      emulator::copies_at_once = round == 0;
      std::fprintf(stderr, "job %d, kernel %d, order %d\n", job, head[0], round);
      emulator::run({(unsigned)head[1], (unsigned)head[2], (unsigned)head[3]}, (unsigned)head[4], (unsigned)head[5], (size_t)head[6], (emulator::Order)round, [&]() { kernels[head[0]](raw); });
      const int bank = 2 + head[8];
      for (int i = 0; i < 5; ++i) if (i != bank && std::memcmp(memory[i].start, data[i], (size_t)lengths[i]) != 0) emulator::fail("a bank that is only read was written");
      std::vector<unsigned char> result(memory[bank].start, memory[bank].start + lengths[bank]);
      if (round == 0) first = result; else if (result != first) emulator::fail("the result depends on the order of threads");
    }
    std::fwrite(first.data(), 1, first.size(), out);
  }
  return std::fclose(out) == 0 ? 0 : 3;
}
