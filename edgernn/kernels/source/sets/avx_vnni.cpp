// AVX2, FMA and int8 dot products of 256 bits.
#include "../x86_256.h"

namespace edgernn {
namespace {

struct Dot {
  using Shape = Shape256;
  static constexpr int kLanes = 8;
  static constexpr int kOffset = 128;  // the instruction takes inputs without a sign
  using V = __m256i;
  using Inputs = __m256i;
  using Weights = __m256i;

  static V start(const int32_t* sums) {
    const __m256i given = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums));
    return _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32(given, 7));
  }
  static Inputs broadcast(const uint8_t* group) { return _mm256_set1_epi32(group_of(group)); }
  static Weights load(const int8_t* weights) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
  }
  static V add(V sums, Inputs x, Weights weights) { return _mm256_dpbusd_avx_epi32(sums, x, weights); }
  static void settle(V& sums) { asm("" : "+x"(sums)); }
  static __m256 to_float(V sums) { return _mm256_cvtepi32_ps(sums); }
};

struct Four : Nibbles256 {
  struct Shape {
    static constexpr int kTilesAlone = 1;
    static constexpr int kVectorsAlone = 8;
    static constexpr int kVectors = 2;
    static constexpr int kRows = 2;
  };

  static V add(V sum, Inputs x_low, Inputs x_high, Weights both) {
    return _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, low(both), x_low), high(both), x_high);
  }
};

using Frame = OverTime<Float256, Dot, Four>;

}  // namespace

extern const InstructionSet kAvxVnni = {"avx_vnni", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
