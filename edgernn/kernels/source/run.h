// Running a call of a layer on one or several threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "layer.h"

namespace edgernn {

// Calls work(argument, 0) … work(argument, count - 1), each once, on however many threads there are, and returns when
// all have ended.
using ParallelFor = void (*)(void* context, void (*work)(void* argument, size_t index), size_t count, void* argument);

// Where the numbers of x and y lie. With the batch first a layer has one direction.
Strides x_strides(const Layer& layer, int steps, int batch, bool batch_first);
Strides y_strides(const Layer& layer, int steps, int batch, bool batch_first);

// When the threads that are left over by directions and batch share the products of a part, in bytes of weights: a
// step's product with the state must be worth meeting for, which takes half a microsecond and more, and a call's
// products worth the waking of a sleeping thread. Measured with two threads (tools/bench_kernel_threads.py; time ÷ that
// of one): 100 steps of a GRU of 512 units .58 in float32 and .78 in int8, of an LSTM of 1024 .44 and .59; one step of
// it .52 in float32, in int8 not worth waking for. An int8 GRU of 384 units (432 KiB) would gain 5 %.
struct TeamRule {
  int64_t of_step = 512 << 10;
  int64_t of_call = 16 << 20;
};

// Runs a call whose sizes have been checked.
//
// `threads` is how many shares the work may be cut into: the directions, the batch within them, and then the outputs
// of each product. A row's result does not depend on how it is cut. `parallel_for` is not used for a single share and
// may be null then.
void run_layer(const InstructionSet& set, const Layer& layer, const Call& call, int threads,
               ParallelFor parallel_for, void* context, const TeamRule& rule = {});

}  // namespace edgernn
