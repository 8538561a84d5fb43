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

using Frame = OverTime<Float256, Dot>;

}  // namespace

extern const InstructionSet kAvxVnni = {"avx_vnni", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
