// 64-bit ARM with int8 dot products (ARMv8.2 and later).
#include "../arm.h"

namespace edgernn {
namespace {

struct Dot : Integers128 {
  static V add(V sums, Inputs x, Weights weights) { return vdotq_s32(sums, weights, x); }
};

using Frame = OverTime<Float128, Dot, Nibbles128<Dot>>;

}  // namespace

extern const InstructionSet kNeonDot = {"neon_dot", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
