// Which instruction sets this library was built with, which the processor has, and which one is used.
#pragma once

#include <string>
#include <vector>

#include "layer.h"

namespace edgernn {

// Names a set that is to be used in place of the best one, for tests and for hunting faults.
constexpr const char* kForceVariable = "EDGERNN_INSTRUCTION_SET";

// Those that run here, the best first; "plain" is the last.
std::vector<const InstructionSet*> available_sets();

// The set to use. Throws std::runtime_error where kForceVariable names none of the available ones.
const InstructionSet& chosen_set();

// {"chosen": "avx2", "available": ["avx2", "plain"], "forced": false}; "chosen" is null where it would throw.
std::string describe_sets();

}  // namespace edgernn
