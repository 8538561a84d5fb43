// What the parts of the library hand to each other: a recurrent layer ready to run, and one call of it.
//
// Plain data and raw pointers alone. The files of sets/ are compiled for one instruction set each, and a template
// or inline function of the standard library that one of them instantiates could become the copy that the whole
// library uses, on processors that lack its instructions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgernn {

// Outputs of a product that are computed together: packed weights lie in tiles of so many.
constexpr int kTile = 64;
// Hidden units are filled up to a multiple of this, so that no loop over them has a remainder.
constexpr int kUnits = 16;
// Products of integers take so many inputs at once.
constexpr int kGroup = 4;

constexpr int round_up(int size, int multiple) { return (size + multiple - 1) / multiple * multiple; }

// In the order of kinds.h.
enum class Kind : int {
  kRnn,
  kLstm,
  kGru,
  kMinGru,
  kMinLstm,
  kLayerNormLstm,
  kLayerNormGru,
  kIndRnn,
  kSru,
  kProjectedSru,
  kFastGrnn,
  kProjectedLstm,
};
// kPositive: v + 1/2 for v ≥ 0, σ(v) for v < 0.
enum class Activation : int { kTanh, kRelu, kSigmoid, kIdentity, kPositive };

// A matrix that rows are multiplied with, packed for one instruction set.
//
// float32: [tile][input][output of the tile]. int8: [tile][group of inputs][output of the tile][input of the
// group], scale and sum of every output. int4: [tile][block of inputs][two groups of them][output of the tile][input of
// the group], a byte for two inputs: that of the first group, plus 8, in the low bits, that of the second in the high
// ones; and [tile][block of inputs][output of the tile] half floats. What fills up tiles and groups is zero.
struct Matrix {
  int inputs = 0;
  int outputs = 0;   // a multiple of kTile
  size_t bytes = 0;  // of its weights, scales apart
  const float* floats = nullptr;
  const int8_t* integers = nullptr;  // int8
  const float* scales = nullptr;
  const int32_t* sums = nullptr;  // of an output's integers
  const uint8_t* nibbles = nullptr;  // int4
  const uint16_t* block_scales = nullptr;
  int block = 0;                // inputs that share a scale, of int4
  const float* bias = nullptr;  // added to the product
};

// One direction. Gates lie one behind the other, each filled up to `padded` units.
struct Direction {
  Matrix input;
  Matrix recurrent;                // empty where no unit sees another
  Matrix candidate;                // of a GRU that resets first: the product behind the reset gate
  Matrix projection;               // of a layer with one: from its units to the state
  const float* vectors = nullptr;  // blocks of `padded` units, as kinds.h and cells.h have them; null: none
  bool reversed = false;
};

struct Layer {
  Kind kind = Kind::kGru;
  Activation activation = Activation::kTanh;  // of a kind with several
  bool resets_first = false;                  // of a GRU: the reset gate before the product, not behind it
  int inputs = 0;
  int hidden = 0;
  int units = 0;   // of a gate: hidden, or more where there is a projection
  int padded = 0;  // units, filled up to a multiple of kUnits
  int directions = 1;
  Direction direction[2];
};

// How far apart numbers of a tensor lie, in numbers.
struct Strides {
  size_t step = 0;
  size_t direction = 0;
  size_t row = 0;
};

// Tensors of ONNX's layout: x (steps, batch, inputs), y (steps, directions, batch, hidden), or with the batch first:
// (batch, steps, inputs), (batch, steps, hidden). States are (directions, batch, hidden), c of a layer with a
// projection (directions, batch, units). Those that may be missing are null.
struct Call {
  int steps = 0;
  int batch = 0;
  const float* x = nullptr;
  Strides x_at;
  const int32_t* lengths = nullptr;
  const float* initial_h = nullptr;
  const float* initial_c = nullptr;
  float* y = nullptr;
  Strides y_at;
  float* y_h = nullptr;
  float* y_c = nullptr;
};

// The threads that work on a part together, see team.h.
class Team;
// Piece `piece` of `pieces` of a job, which do not depend on each other.
using PieceOfWork = void (*)(const void* job, int piece, int pieces);
// Has the team do all pieces of a job, and returns when all have ended.
void share(Team& team, PieceOfWork work, const void* job);

// A share of a call: some rows of the batch in one direction.
struct Part {
  int direction = 0;
  int first_row = 0;
  int rows = 0;
  Team* team = nullptr;  // null: one thread does it
};

// What one instruction set brings.
struct InstructionSet {
  const char* name;
  // Bytes of working memory that `run` needs for a part of so many rows, aligned to kAlignment.
  size_t (*scratch_bytes)(const Layer&, int steps, int rows);
  void (*run)(const Layer&, const Call&, const Part&, void* scratch);
};

constexpr size_t kAlignment = 64;

}  // namespace edgernn
