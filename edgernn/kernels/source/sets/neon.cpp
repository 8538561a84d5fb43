// 64-bit ARM of any kind: products of bytes in 16 bits, whose pairs add up in 32 bits.
#include "../arm.h"

namespace edgernn {
namespace {

struct Dot {
  using Shape = Shape128;
  static constexpr int kLanes = 4;
  static constexpr int kOffset = 0;
  using V = int32x4_t;
  using Inputs = int8x16_t;
  using Weights = int8x16_t;

  static V start(const int32_t*) { return vdupq_n_s32(0); }
  static Inputs broadcast(const uint8_t* group) { return four_times(group); }
  static Weights load(const int8_t* weights) { return vld1q_s8(weights); }
  static V add(V sums, Inputs x, Weights weights) {
    const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
    const int16x8_t high = vmull_high_s8(weights, x);
    return vaddq_s32(sums, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
  }
  static void settle(V& sums) { asm("" : "+w"(sums)); }
  static float32x4_t to_float(V sums) { return vcvtq_f32_s32(sums); }
};

using Frame = OverTime<Float128, Dot>;

}  // namespace

extern const InstructionSet kNeon = {"neon", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
