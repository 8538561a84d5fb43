// AVX-512 with int8 dot products.
#include "../x86_512.h"

namespace edgernn {
namespace {

struct Dot {
  using Shape = Shape512;
  static constexpr int kLanes = 16;
  static constexpr int kOffset = 128;  // the instruction takes inputs without a sign
  using V = __m512i;
  using Inputs = __m512i;
  using Weights = __m512i;

  static V start(const int32_t* sums) {
    return _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(_mm512_loadu_si512(sums), 7));
  }
  static Inputs broadcast(const uint8_t* group) { return _mm512_set1_epi32(group_of(group)); }
  static Weights load(const int8_t* weights) { return _mm512_loadu_si512(weights); }
  static V add(V sums, Inputs x, Weights weights) { return _mm512_dpbusd_epi32(sums, x, weights); }
  static void settle(V& sums) { asm("" : "+v"(sums)); }
  static __m512 to_float(V sums) { return _mm512_cvtepi32_ps(sums); }
};

// Two sums an output: one instruction does not wait for the other.
struct Four : Nibbles512 {
  struct Shape {
    static constexpr int kTilesAlone = 1;
    static constexpr int kVectorsAlone = 4;
    static constexpr int kVectors = 2;
    static constexpr int kRows = 4;
  };
  struct V {
    __m512i low, high;
  };

  static V start(const int32_t* sum) { return {_mm512_set1_epi32(*sum), _mm512_setzero_si512()}; }
  static V add(V sums, Inputs x_low, Inputs x_high, Weights both) {
    return {_mm512_dpbusd_epi32(sums.low, low(both), x_low), _mm512_dpbusd_epi32(sums.high, high(both), x_high)};
  }
  static void settle(V& sums) { asm("" : "+v"(sums.low), "+v"(sums.high)); }
  static __m512 to_float(V sums) { return _mm512_cvtepi32_ps(_mm512_add_epi32(sums.low, sums.high)); }
};

using Frame = OverTime<Float512, Dot, Four>;

}  // namespace

extern const InstructionSet kAvx512Vnni = {"avx512_vnni", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
