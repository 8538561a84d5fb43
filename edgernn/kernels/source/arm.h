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

  static V zero() { return vdupq_n_f32(0.0f); }
  static V load(const float* from) { return vld1q_f32(from); }
  static void store(float* to, V v) { vst1q_f32(to, v); }
  static V broadcast(const float* from) { return vld1q_dup_f32(from); }
  static V add(V a, V b) { return vaddq_f32(a, b); }
  static V multiply(V a, V b) { return vmulq_f32(a, b); }
  static V fused(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static void settle(V& v) { asm("" : "+w"(v)); }
};

template <class Input>
inline int8x16_t four_times(const Input* group) {
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

// int4's products on those of int8.
template <class Dot>
struct Nibbles128 {
  struct Shape {
    static constexpr int kTilesAlone = 1;
    static constexpr int kVectorsAlone = 8;
    static constexpr int kVectors = 2;
    static constexpr int kRows = 4;
  };
  static constexpr int kLanes = 4;
  using V = int32x4_t;
  using Inputs = int8x16_t;
  using Weights = uint8x16_t;  // two a byte

  static V start(const int32_t* sum) { return vld1q_dup_s32(sum); }
  static Inputs broadcast(const int8_t* group) { return four_times(group); }
  static Weights load(const uint8_t* weights) { return vld1q_u8(weights); }
  static V add(V sum, Inputs x_low, Inputs x_high, Weights both) {
    const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15)));
    const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(both, 4));
    return Dot::add(Dot::add(sum, x_low, low), x_high, high);
  }
  static void settle(V& sum) { asm("" : "+w"(sum)); }
  static float32x4_t to_float(V sum) { return vcvtq_f32_s32(sum); }
  static float32x4_t scales(const uint16_t* halves) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves))); }
  static float32x4_t fused(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
};

}  // namespace
}  // namespace edgernn
