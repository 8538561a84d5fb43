// Rounding what is multiplied with int8 weights to 8 bits, one scale a row.
#pragma once

#include "activations.h"
#include "layer.h"

namespace edgernn {
namespace {

// The largest absolute value, as bits: these order like the numbers, with NaN above infinity, and no order of
// comparing them changes the result.
inline uint32_t largest_bits(const float* x, int size) {
  uint32_t largest = 0;
  EDGERNN_INDEPENDENT
  for (int i = 0; i < size; ++i) {
    const uint32_t bits = bits_of(x[i]) & 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

// Integers -127…127, plus `offset`, of x ÷ step; the step is returned.
//
// A row whose values all lie in [-1, 1] is rounded in that range if `bounded`, any other row in its own. A row with
// NaN or infinity in it gets the step NaN, which makes all that it is multiplied into NaN.
template <class Integer>
inline float round_row(const float* x, int size, bool bounded, int offset, Integer* rounded) {
  constexpr uint32_t kInfinity = 0x7f800000u;
  constexpr float kSmallest = 1e-30f;  // a smaller range counts as zero: 127 ÷ it could overflow
  const uint32_t bits = largest_bits(x, size);
  float largest = float_of(bits);
  if (bounded && largest <= 1.0f) largest = 1.0f;
  const bool finite = bits < kInfinity;
  const float inverse = finite && largest > kSmallest ? 127.0f / largest : 0.0f;
  EDGERNN_INDEPENDENT
  for (int i = 0; i < size; ++i) {
    rounded[i] = static_cast<Integer>(bits_of(x[i] * inverse + kRounder) + static_cast<uint32_t>(offset));
  }
  if (!finite) return float_of(0x7fc00000u);
  return largest > kSmallest ? largest / 127.0f : 0.0f;
}

// -8 × the sum of each block of a rounded row: what int4's weights, which are 8 too large, add to a product.
inline void sum_blocks(const int8_t* rounded, int blocks, int size, int32_t* sums) {
  for (int block = 0; block < blocks; ++block) {
    int32_t sum = 0;
    for (int i = 0; i < size; ++i) sum += rounded[block * size + i];
    sums[block] = -8 * sum;
  }
}

}  // namespace
}  // namespace edgernn
