#include "run.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>

#include "team.h"

namespace edgernn {
namespace {

constexpr int kMostTeams = 8;

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
  int parts;   // directions × shares
  Team* teams;  // one a part; null: a part is one thread's
  std::atomic<int> arrived{0};
  std::atomic<bool> out_of_memory{false};
};

Part part_of(const Work& work, int index) {
  const int direction = index / work.shares, number = index % work.shares;
  const auto bound = [&](int at) {
    return static_cast<int>(static_cast<int64_t>(work.call.batch) * at / work.shares);
  };
  return {direction, bound(number), bound(number + 1) - bound(number),
          work.teams == nullptr ? nullptr : &work.teams[index]};
}

// Those who come first lead a part each, all others help. So nobody helps a part that no thread has begun, and a
// single thread that does one share after the other finds nothing left to help with.
void take_part(Work& work) {
  const int arrival = work.arrived.fetch_add(1, std::memory_order_relaxed);
  if (arrival >= work.parts) {
    const int helper = arrival - work.parts;
    work.teams[helper % work.parts].help(1 + helper / work.parts);
    return;
  }
  const Part part = part_of(work, arrival);
  try {
    run_part(work.set, work.layer, work.call, part);
  } catch (const std::bad_alloc&) {
    work.out_of_memory = true;  // it must not leave a thread of the pool
  }
  if (part.team != nullptr) part.team->end();
}

// How many threads work on each part.
int members(const Layer& layer, const Call& call, int parts, int threads, const TeamRule& rule) {
  const Direction& one = layer.direction[0];
  // What is shared at a time is a step's product with the state; where there is none, that with the inputs of all.
  const auto input = static_cast<int64_t>(one.input.bytes), recurrent = static_cast<int64_t>(one.recurrent.bytes);
  const int64_t shared = recurrent > 0 ? recurrent : call.steps * input;
  if (parts > kMostTeams || shared < rule.of_step || call.steps * (input + recurrent) < rule.of_call) return 1;
  return std::max(1, std::min(threads / parts, Team::kMostMembers));
}

}  // namespace

Strides x_strides(const Layer& layer, int steps, int batch, bool batch_first) {
  const size_t size = layer.inputs;
  return batch_first ? Strides{size, 0, steps * size} : Strides{batch * size, 0, size};
}

Strides y_strides(const Layer& layer, int steps, int batch, bool batch_first) {
  const size_t size = layer.hidden;
  return batch_first ? Strides{size, 0, steps * size} : Strides{layer.directions * batch * size, batch * size, size};
}

void run_layer(const InstructionSet& set, const Layer& layer, const Call& call, int threads, ParallelFor parallel_for,
               void* context, const TeamRule& rule) {
  if (call.batch == 0) return;
  const int shares = std::min(call.batch, std::max(1, threads / layer.directions));
  const int parts = layer.directions * shares;
  Work work{set, layer, call, shares, parts, nullptr};
  if (threads <= 1) {
    for (int index = 0; index < parts; ++index) run_part(set, layer, call, part_of(work, index));
    return;
  }
  const int each = members(layer, call, parts, threads, rule);
  if (parts * each == 1) {
    run_part(set, layer, call, part_of(work, 0));
    return;
  }
  Team teams[kMostTeams];
  if (each > 1) {
    for (int part = 0; part < parts; ++part) teams[part].set_members(each);
    work.teams = teams;
  }
  const auto one = [](void* argument, size_t) { take_part(*static_cast<Work*>(argument)); };
  parallel_for(context, one, static_cast<size_t>(parts) * each, &work);
  if (work.out_of_memory) throw std::bad_alloc();
}

}  // namespace edgernn
