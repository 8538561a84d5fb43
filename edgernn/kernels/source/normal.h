// Layer normalisation: mean and deviation of a row's numbers.
//
// They are summed in as many lanes as units are filled up to, whatever an instruction set's vectors hold, so that all
// sets give the same bits.
#pragma once

#include "activations.h"
#include "layer.h"

namespace edgernn {
namespace {

// The sum of value(number) over `blocks` blocks of `count` numbers, each filled up to `padded`.
template <class Value>
inline float sum_over(const float* numbers, int blocks, int padded, int count, Value value) {
  float lanes[kUnits] = {};
  for (int block = 0; block < blocks; ++block, numbers += padded) {
    int at = 0;
    for (; at + kUnits <= count; at += kUnits) {
      EDGERNN_INDEPENDENT
      for (int lane = 0; lane < kUnits; ++lane) lanes[lane] += value(numbers[at + lane]);
    }
    for (int lane = 0; at + lane < count; ++lane) lanes[lane] += value(numbers[at + lane]);
  }
  float sum = 0.0f;
  for (const float lane : lanes) sum += lane;
  return sum;
}

struct Normal {
  float mean;
  float scale;  // 1 ÷ deviation

  Normal(const float* numbers, int blocks, int padded, int count) {
    const float size = static_cast<float>(blocks * count);
    mean = sum_over(numbers, blocks, padded, count, [](float v) { return v; }) / size;
    const auto variance_in = [&](float unit) {
      const auto squared = [&](float v) { return (v - mean) * unit * ((v - mean) * unit); };
      return sum_over(numbers, blocks, padded, count, squared) / size;
    };
    const float variance = variance_in(1.0f);
    scale = 1.0f / __builtin_sqrtf(variance + 1e-5f);
    // The square of a number beyond 1e19 is no float: in another unit it is.
    constexpr float kUnit = 1.0f / 1180591620717411303424.0f;  // 2^-70
    if (variance > 1e37f) scale = kUnit / __builtin_sqrtf(variance_in(kUnit));
  }

  float of(float v) const { return (v - mean) * scale; }
};

}  // namespace
}  // namespace edgernn
