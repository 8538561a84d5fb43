// Runs layers without onnxruntime, for tests: on other processors under emulation, and under sanitizers.
//
//   run_cases CASES OUTPUT SET [THREADS]
//
// CASES holds cases one behind the other, each 17 numbers and then its arrays, see read_case. OUTPUT receives y, y_h and
// y_c of each. With SET "list" the available sets are printed instead. With THREADS above 1 so many threads run each
// case at the same time, and their results must be equal.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "instruction_sets.h"
#include "kinds.h"
#include "run.h"
#include "weights.h"

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment) {
  ++allocations;
  const size_t unit = static_cast<size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace edgernn {
namespace {

class File {
 public:
  File(const char* path, const char* mode) : file_(std::fopen(path, mode)) {
    if (file_ == nullptr) throw std::runtime_error(std::string("cannot open ") + path);
  }
  ~File() { std::fclose(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  template <class T>
  std::vector<T> read(size_t count) {
    std::vector<T> items(count);
    if (count > 0 && std::fread(items.data(), sizeof(T), count, file_) != count) throw std::runtime_error("a case is cut short");
    return items;
  }

  template <class T>
  void write(const std::vector<T>& items) {
    if (!items.empty() && std::fwrite(items.data(), sizeof(T), items.size(), file_) != items.size()) {
      throw std::runtime_error("the output cannot be written");
    }
  }

  bool at_end() {
    const int next = std::fgetc(file_);
    if (next != EOF) std::ungetc(next, file_);
    return next == EOF;
  }

 private:
  std::FILE* file_;
};

// What a matrix of integers points to.
struct Integers {
  std::vector<int8_t> numbers;
  std::vector<float> scales;
  std::vector<uint8_t> nibbles;
  std::vector<uint16_t> halves;
};

struct Case {
  Source source;
  Call call;
  int threads = 1;
  Integers w, r, v;
  std::vector<float> bias, vectors, x, h, c;
  std::vector<int32_t> lengths;
};

// `storage` is 0 for float32, 1 for int8, and the size of a block for int4.
void read_matrix(File& file, int storage, size_t rows, size_t columns, SourceMatrix& matrix, Integers& own) {
  if (storage == 0) {
    matrix.floats = file.read<float>(rows * columns);
    return;
  }
  if (storage > 1) {
    const size_t blocks = rows * ((columns + storage - 1) / storage);
    own.nibbles = file.read<uint8_t>(blocks * storage / 2);
    own.halves = file.read<uint16_t>(blocks);
    matrix.nibbles = own.nibbles.data();
    matrix.block_scales = own.halves.data();
    matrix.block = storage;
    return;
  }
  own.numbers = file.read<int8_t>(rows * columns);
  own.scales = file.read<float>(rows);
  matrix.integers = own.numbers.data();
  matrix.scales = own.scales.data();
}

void read_case(File& file, Case& it) {
  enum { kKind, kActivation, kResetsFirst, kForward, kBackward, kInputs, kHidden, kUnitsOfGate, kStorage, kBias,
         kVectors, kSteps, kBatch, kLengths, kInitialH, kInitialC, kShares, kCount };
  const auto head = file.read<int32_t>(kCount);
  Source& source = it.source;
  source.kind = static_cast<Kind>(head[kKind]);
  source.activation = static_cast<Activation>(head[kActivation]);
  source.resets_first = head[kResetsFirst] != 0;
  if (head[kForward] != 0) source.reversed.push_back(false);
  if (head[kBackward] != 0) source.reversed.push_back(true);
  source.inputs = head[kInputs];
  source.hidden = head[kHidden];
  source.units = head[kUnitsOfGate];
  const KindOfLayer& kind = about(source.kind);
  const size_t directions = source.reversed.size(), hidden = source.hidden, units = source.units;
  const size_t rows = directions * kind.gates * units, steps = head[kSteps], batch = head[kBatch];
  const int storage = head[kStorage];
  read_matrix(file, storage, rows, source.inputs, source.w, it.w);
  if (kind.has_recurrent) read_matrix(file, storage, rows, hidden, source.r, it.r);
  if (kind.projects) read_matrix(file, storage, directions * hidden, units, source.v, it.v);
  if (head[kBias] != 0) {
    it.bias = file.read<float>((kind.has_recurrent ? 2 : 1) * rows);
    source.bias = it.bias.data();
  }
  if (head[kVectors] != 0) {
    it.vectors = file.read<float>(directions * kind.vectors * units);
    source.vectors = it.vectors.data();
  }
  it.call.steps = head[kSteps];
  it.call.batch = head[kBatch];
  it.x = file.read<float>(steps * batch * source.inputs);
  it.call.x = it.x.data();
  if (head[kLengths] != 0) {
    it.lengths = file.read<int32_t>(batch);
    it.call.lengths = it.lengths.data();
  }
  if (head[kInitialH] != 0) {
    it.h = file.read<float>(directions * batch * hidden);
    it.call.initial_h = it.h.data();
  }
  if (head[kInitialC] != 0) {
    it.c = file.read<float>(directions * batch * units);
    it.call.initial_c = it.c.data();
  }
  it.threads = head[kShares];
}

constexpr TeamRule kAlways{0, 0};  // the layers of tests are small

struct Outputs {
  std::vector<float> y, y_h, y_c;

  bool operator==(const Outputs& other) const {
    const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
      return a.size() == b.size() &&
             (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    };
    return same(y, other.y) && same(y_h, other.y_h) && same(y_c, other.y_c);
  }
};

// Pools of threads that do the shares of a call: one thread each, which begin together; a single one; and two, the
// second of which comes when the first has begun.
void in_threads(void*, void (*work)(void*, size_t), size_t count, void* argument) {
  std::atomic<size_t> ready{0};
  std::vector<std::thread> threads;
  for (size_t index = 0; index < count; ++index) {
    threads.emplace_back([&, index] {
      for (++ready; ready < count;) std::this_thread::yield();
      work(argument, index);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void one_by_one(void*, void (*work)(void*, size_t), size_t count, void* argument) {
  for (size_t index = 0; index < count; ++index) work(argument, index);
}

void by_two(void*, void (*work)(void*, size_t), size_t count, void* argument) {
  std::atomic<size_t> next{0};
  const auto some = [&] {
    for (size_t index; (index = next++) < count;) work(argument, index);
  };
  std::thread late([&] {
    while (next == 0) std::this_thread::yield();
    some();
  });
  some();
  late.join();
}

Outputs run_once(const InstructionSet& set, const Layer& layer, const Case& it, ParallelFor pool = in_threads) {
  const size_t rows = static_cast<size_t>(layer.directions) * it.call.batch, state = rows * layer.hidden;
  const float unset = 1234.0f;  // shows up in a comparison where it is not written over
  Outputs outputs{std::vector<float>(it.call.steps * state, unset), std::vector<float>(state, unset),
                  std::vector<float>(about(layer.kind).has_cell_state ? rows * layer.units : 0, unset)};
  Call call = it.call;
  call.y = outputs.y.data();
  call.y_h = outputs.y_h.data();
  call.y_c = outputs.y_c.empty() ? nullptr : outputs.y_c.data();
  run_layer(set, layer, call, it.threads, pool, nullptr, kAlways);
  return outputs;
}

// The same with the batch first.
Outputs run_turned(const InstructionSet& set, const Layer& layer, const Case& it) {
  const auto turn = [](const std::vector<float>& from, int rows, int columns, int size) {
    std::vector<float> to(from.size());
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        const auto* number = from.data() + (static_cast<size_t>(row) * columns + column) * size;
        std::copy(number, number + size, to.data() + (static_cast<size_t>(column) * rows + row) * size);
      }
    }
    return to;
  };
  const int steps = it.call.steps, batch = it.call.batch;
  Case turned = it;
  turned.x = turn(it.x, steps, batch, layer.inputs);
  turned.call.x = turned.x.data();
  turned.call.x_at = x_strides(layer, steps, batch, true);
  turned.call.y_at = y_strides(layer, steps, batch, true);
  Outputs outputs = run_once(set, layer, turned);
  outputs.y = turn(outputs.y, batch, steps, layer.hidden);
  return outputs;
}

// A second call of the same shape in the same thread.
void expect_no_allocation(const InstructionSet& set, const Layer& layer, const Case& it, int threads,
                          Outputs& outputs) {
  Call call = it.call;
  call.y = outputs.y.data();
  call.y_h = outputs.y_h.data();
  call.y_c = outputs.y_c.empty() ? nullptr : outputs.y_c.data();
  const long before = allocations;
  run_layer(set, layer, call, threads, one_by_one, nullptr, kAlways);
  if (allocations != before) throw std::runtime_error("a second call of a shape allocates");
}

void run_case(const InstructionSet& set, Case& it, int threads, File& output) {
  const auto weights = shared_weights(it.source);
  if (shared_weights(it.source) != weights) throw std::runtime_error("equal weights are not shared");
  const Layer& layer = weights->layer();
  it.call.x_at = x_strides(layer, it.call.steps, it.call.batch, false);
  it.call.y_at = y_strides(layer, it.call.steps, it.call.batch, false);
  Outputs outputs = run_once(set, layer, it);
  Outputs again = outputs;
  run_layer(set, layer, it.call, 1, nullptr, nullptr);  // nobody wants its outputs
  for (const int shares : {1, it.threads}) {
    expect_no_allocation(set, layer, it, shares, again);
    if (!(again == outputs)) throw std::runtime_error("a second call gives other results");
  }
  if (layer.directions == 1 && !(run_turned(set, layer, it) == outputs)) {
    throw std::runtime_error("with the batch first there are other results");
  }
  if (it.threads > 1 && !(run_once(set, layer, it, by_two) == outputs)) {
    throw std::runtime_error("two threads that do all shares give other results");
  }
  if (threads > 1) {
    std::vector<Outputs> all(threads);
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] { all[thread] = run_once(set, layer, it); });
    }
    for (std::thread& thread : running) thread.join();
    for (const Outputs& other : all) {
      if (!(other == outputs)) throw std::runtime_error("threads give different results");
    }
  }
  output.write(outputs.y);
  output.write(outputs.y_h);
  output.write(outputs.y_c);
}

}  // namespace
}  // namespace edgernn

int main(int count, char** arguments) {
  using namespace edgernn;
  if (count < 4) {
    std::fprintf(stderr, "usage: run_cases CASES OUTPUT SET [THREADS]\n");
    return 2;
  }
  try {
    const std::string wanted = arguments[3];
    for (const InstructionSet* set : available_sets()) {
      if (wanted == "list") std::printf("%s\n", set->name);
      if (wanted != set->name) continue;
      File cases(arguments[1], "rb"), output(arguments[2], "wb");
      while (!cases.at_end()) {
        Case it;
        read_case(cases, it);
        run_case(*set, it, count > 4 ? std::atoi(arguments[4]) : 1, output);
      }
      return 0;
    }
    if (wanted == "list") return 0;
    throw std::runtime_error("there is no instruction set " + wanted + " here");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
