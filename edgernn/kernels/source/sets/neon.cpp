// 64-bit ARM of any kind: products of bytes in 16 bits, whose pairs add up in 32 bits.
#include "../arm.h"

namespace edgernn {
namespace {

struct Dot : Integers128 {
  static V add(V sums, Inputs x, Weights weights) {
    const int16x8_t low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
    const int16x8_t high = vmull_high_s8(weights, x);
    return vaddq_s32(sums, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
  }
};

using Frame = OverTime<Float128, Dot, Nibbles128<Dot>>;

}  // namespace

extern const InstructionSet kNeon = {"neon", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
