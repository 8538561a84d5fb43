// A node of onnxruntime that runs a layer.
#pragma once

#include <onnxruntime_c_api.h>

#include <string>
#include <vector>

#include "storage.h"

namespace edgernn {

// The oldest onnxruntime that knows all that is called here: 1.17.
constexpr uint32_t kApiVersion = 17;

// Turns a failed call of onnxruntime into an exception, which no function that onnxruntime calls lets out.
void check(const OrtApi& api, OrtStatus* status);

// What onnxruntime knows of one kind of node. Lives as long as sessions may be made with it.
struct NodeKind : OrtCustomOp {
  NodeKind(std::string name, const NodeName& parsed, int threads, const InstructionSet& set);
  // onnxruntime holds its address.
  NodeKind(const NodeKind&) = delete;
  NodeKind& operator=(const NodeKind&) = delete;

  // The index of what a node has beyond X and its matrices: 0 is B.
  size_t rest(size_t index) const { return 1 + 2 * parts.size() + index; }

  const std::string name;
  const NodeName parsed;
  const std::vector<Element> parts;
  const int threads;
  const InstructionSet& set;
};

}  // namespace edgernn
