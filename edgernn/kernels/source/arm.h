// What the sets of 64-bit ARM share.
#pragma once

#include <arm_neon.h>

#include "over_time.h"

namespace edgernn {
namespace {

// Thirty-two registers.
struct Shape128 {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 16;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 4;
};

struct Float128 {
  using Shape = Shape128;
  static constexpr int kLanes = 4;
  using V = float32x4_t;

  static V load(const float* from) { return vld1q_f32(from); }
  static void store(float* to, V v) { vst1q_f32(to, v); }
  static V broadcast(const float* from) { return vld1q_dup_f32(from); }
  static V add(V a, V b) { return vaddq_f32(a, b); }
  static V multiply(V a, V b) { return vmulq_f32(a, b); }
  static V fused(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static void settle(V& v) { asm("" : "+w"(v)); }
};

inline int8x16_t four_times(const uint8_t* group) {
  return vreinterpretq_s8_s32(vdupq_n_s32(group_of(group)));
}

// What int8 products have in common; `add` is each set's own.
struct Integers128 {
  using Shape = Shape128;
  static constexpr int kLanes = 4;
  static constexpr int kOffset = 0;
  using V = int32x4_t;
  using Inputs = int8x16_t;
  using Weights = int8x16_t;

  static V start(const int32_t*) { return vdupq_n_s32(0); }
  static Inputs broadcast(const uint8_t* group) { return four_times(group); }
  static Weights load(const int8_t* weights) { return vld1q_s8(weights); }
  static void settle(V& sums) { asm("" : "+w"(sums)); }
  static float32x4_t to_float(V sums) { return vcvtq_f32_s32(sums); }
};

}  // namespace
}  // namespace edgernn
