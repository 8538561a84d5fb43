// 64-bit ARM with int8 dot products (ARMv8.2 and later).
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
  static V add(V sums, Inputs x, Weights weights) { return vdotq_s32(sums, weights, x); }
  static void settle(V& sums) { asm("" : "+w"(sums)); }
  static float32x4_t to_float(V sums) { return vcvtq_f32_s32(sums); }
};

using Frame = OverTime<Float128, Dot>;

}  // namespace

extern const InstructionSet kNeonDot = {"neon_dot", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
