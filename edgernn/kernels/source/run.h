// Running a call of a layer on one or several threads.
#pragma once

#include <cstddef>

#include "layer.h"

namespace edgernn {

// Calls work(argument, 0) … work(argument, count - 1), perhaps on several threads, and returns when all have ended.
using ParallelFor = void (*)(void* context, void (*work)(void* argument, size_t index), size_t count, void* argument);

// Runs a call whose sizes have been checked.
//
// `threads` is how many shares the work may be cut into: the directions, and the batch within them. A row's result
// does not depend on how it is cut. `parallel_for` is not used for a single share and may be null then.
void run_layer(const InstructionSet& set, const Layer& layer, const Call& call, int threads,
               ParallelFor parallel_for, void* context);

}  // namespace edgernn
