// A node of onnxruntime that runs a layer.
#pragma once

#include <onnxruntime_c_api.h>

#include <string>
#include <vector>

#include "kinds.h"
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

  // The index of a matrix among those that the kind has: 0 is W; and of what a node has beyond X and them: 0 is B.
  size_t matrix(size_t index) const { return 1 + index * parts.size(); }
  size_t rest(size_t index) const { return matrix(1 + about.has_recurrent + about.projects) + index; }

  const std::string name;
  const NodeName parsed;
  const KindOfLayer& about;
  const std::vector<Element> parts;
  const int threads;
  const InstructionSet& set;
};

}  // namespace edgernn
