// AVX-512 (F, BW, DQ, VL) without int8 dot products; see avx2.cpp.
#include "../x86_512.h"

namespace edgernn {
namespace {

// A sum takes two registers, and so does a weight.
struct ShapeOfPairs {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 4;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 4;
};

struct Dot {
  using Shape = ShapeOfPairs;
  static constexpr int kLanes = 16;
  static constexpr int kOffset = 0;
  struct V {
    __m512i low, high;
  };
  using Inputs = __m512i;
  struct Weights {
    __m512i low, high;
  };

  static V start(const int32_t*) { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
  static Inputs broadcast(const uint8_t* group) {
    return _mm512_cvtepi8_epi16(_mm256_set1_epi32(group_of(group)));
  }
  static Weights load(const int8_t* weights) {
    const auto* from = reinterpret_cast<const __m256i*>(weights);
    return {_mm512_cvtepi8_epi16(_mm256_loadu_si256(from)), _mm512_cvtepi8_epi16(_mm256_loadu_si256(from + 1))};
  }
  static V add(V sums, Inputs x, Weights weights) {
    return {_mm512_add_epi32(sums.low, _mm512_madd_epi16(weights.low, x)),
            _mm512_add_epi32(sums.high, _mm512_madd_epi16(weights.high, x))};
  }
  static void settle(V& sums) { asm("" : "+v"(sums.low), "+v"(sums.high)); }
  static __m512 to_float(V sums) {
    // Even and odd places of both halves hold the two sums of every output.
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_permutex2var_epi32(sums.low, even, sums.high),
                                               _mm512_permutex2var_epi32(sums.low, odd, sums.high)));
  }
};

// 15 × 127 and so four of its like fit in 16 bits, so that bytes may be multiplied in pairs.
struct Four : Nibbles512 {
  struct Shape {
    static constexpr int kTilesAlone = 1;
    static constexpr int kVectorsAlone = 4;
    static constexpr int kVectors = 2;
    static constexpr int kRows = 4;
  };
  using V = __m512i;

  static V start(const int32_t* sum) { return _mm512_set1_epi32(*sum); }
  static V add(V sum, Inputs x_low, Inputs x_high, Weights both) {
    const __m512i pairs =
        _mm512_add_epi16(_mm512_maddubs_epi16(low(both), x_low), _mm512_maddubs_epi16(high(both), x_high));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
  static void settle(V& sum) { asm("" : "+v"(sum)); }
  static __m512 to_float(V sum) { return _mm512_cvtepi32_ps(sum); }
};

using Frame = OverTime<Float512, Dot, Four>;

}  // namespace

extern const InstructionSet kAvx512 = {"avx512", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
