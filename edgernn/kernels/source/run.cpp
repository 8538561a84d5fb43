#include "run.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>

namespace edgernn {
namespace {

// Memory that a thread keeps from call to call, so that none is allocated after the first call of a shape.
class ThreadMemory {
 public:
  void* at_least(size_t bytes) {
    if (bytes > bytes_) {
      memory_.reset();
      bytes_ = 0;
      memory_.reset(static_cast<char*>(::operator new(bytes, std::align_val_t(kAlignment))));
      bytes_ = bytes;
    }
    return memory_.get();
  }

 private:
  struct Release {
    void operator()(char* memory) const { ::operator delete(memory, std::align_val_t(kAlignment)); }
  };
  std::unique_ptr<char, Release> memory_;
  size_t bytes_ = 0;
};

void run_part(const InstructionSet& set, const Layer& layer, const Call& call, const Part& part) {
  static thread_local ThreadMemory memory;
  set.run(layer, call, part, memory.at_least(set.scratch_bytes(layer, call.steps, part.rows)));
}

struct Work {
  const InstructionSet& set;
  const Layer& layer;
  const Call& call;
  int shares;  // of a direction's rows
  std::atomic<bool> out_of_memory{false};
};

Part share(const Work& work, size_t index) {
  const int direction = static_cast<int>(index) / work.shares, number = static_cast<int>(index) % work.shares;
  const auto bound = [&](int at) {
    return static_cast<int>(static_cast<int64_t>(work.call.batch) * at / work.shares);
  };
  return {direction, bound(number), bound(number + 1) - bound(number)};
}

}  // namespace

void run_layer(const InstructionSet& set, const Layer& layer, const Call& call, int threads, ParallelFor parallel_for,
               void* context) {
  if (call.batch == 0) return;
  const int for_rows = std::max(1, threads / layer.directions);
  Work work{set, layer, call, std::min(call.batch, for_rows)};
  const size_t count = static_cast<size_t>(layer.directions) * work.shares;
  if (threads <= 1 || count == 1) {
    for (size_t index = 0; index < count; ++index) run_part(set, layer, call, share(work, index));
    return;
  }
  const auto one = [](void* argument, size_t index) {
    Work& work = *static_cast<Work*>(argument);
    try {
      run_part(work.set, work.layer, work.call, share(work, index));
    } catch (const std::bad_alloc&) {
      work.out_of_memory = true;  // it must not leave a thread of the pool
    }
  };
  parallel_for(context, one, count, &work);
  if (work.out_of_memory) throw std::bad_alloc();
}

}  // namespace edgernn
