// The kinds of layers, one line each, for all that handles nodes, weights and names.
//
// A new kind is a line here and in layer.h, its equations in cells.h, and the line in over_time.h that runs them; its
// portable body is a file of edgernn/quantize/kinds/.
#pragma once

#include "layer.h"

namespace edgernn {

struct KindOfLayer {
  Kind kind;
  const char* name;           // begins the names of its functions
  int gates;                  // blocks of W's rows, and of R's
  bool has_recurrent;         // whether it has R
  bool has_cell_state;        // a second state
  bool projects;              // V, which makes the state of `units` numbers one of `hidden`
  int vectors;                // blocks of P
  bool needs_vectors;         // or they may be missing, as peepholes may
  Activation usual;           // where the name says nothing of it
};

constexpr KindOfLayer kKinds[] = {
    // kind, name, gates, has_recurrent, has_cell_state, projects, vectors, needs_vectors, usual
    {Kind::kRnn, "RNN", 1, true, false, false, 0, false, Activation::kTanh},
    {Kind::kLstm, "LSTM", 4, true, true, false, 3, false, Activation::kTanh},
    {Kind::kGru, "GRU", 3, true, false, false, 0, false, Activation::kTanh},
    {Kind::kMinGru, "MinGRU", 2, false, false, false, 0, false, Activation::kIdentity},
    {Kind::kMinLstm, "MinLSTM", 3, false, false, false, 0, false, Activation::kIdentity},
    {Kind::kLayerNormLstm, "LayerNormLSTM", 4, true, true, false, 14, true, Activation::kTanh},
    {Kind::kLayerNormGru, "LayerNormGRU", 3, true, false, false, 10, true, Activation::kTanh},
    {Kind::kIndRnn, "IndRNN", 1, false, false, false, 1, true, Activation::kRelu},
    {Kind::kSru, "SRU", 3, false, false, false, 0, false, Activation::kIdentity},
    {Kind::kProjectedSru, "ProjectedSRU", 4, false, false, false, 0, false, Activation::kIdentity},
    {Kind::kFastGrnn, "FastGRNN", 1, true, false, false, 4, true, Activation::kTanh},
    {Kind::kProjectedLstm, "ProjectedLSTM", 4, true, true, true, 0, false, Activation::kTanh},
};

constexpr bool stand_in_order() {
  int at = 0;
  for (const KindOfLayer& kind : kKinds) {
    if (static_cast<int>(kind.kind) != at++) return false;
  }
  return true;
}
static_assert(stand_in_order(), "kinds stand as in layer.h");

constexpr const KindOfLayer& about(Kind kind) { return kKinds[static_cast<int>(kind)]; }

}  // namespace edgernn
