// AVX2 and FMA, without int8 dot products: bytes are widened to 16 bits, whose pairs add up in 32 bits. The shorter
// way, pairs of bytes added in 16 bits, saturates.
#include "../x86_256.h"

namespace edgernn {
namespace {

// A sum takes two registers, and so does a weight.
struct ShapeOfPairs {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 4;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 2;
};

struct Dot {
  using Shape = ShapeOfPairs;
  static constexpr int kLanes = 8;
  static constexpr int kOffset = 0;
  // Two sums an output, of outputs 0…3 and 4…7.
  struct V {
    __m256i low, high;
  };
  using Inputs = __m256i;
  struct Weights {
    __m256i low, high;
  };

  static V start(const int32_t*) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Inputs broadcast(const uint8_t* group) {
    return _mm256_cvtepi8_epi16(_mm_set1_epi32(group_of(group)));
  }
  static Weights load(const int8_t* weights) {
    const auto* from = reinterpret_cast<const __m128i*>(weights);
    return {_mm256_cvtepi8_epi16(_mm_loadu_si128(from)), _mm256_cvtepi8_epi16(_mm_loadu_si128(from + 1))};
  }
  static V add(V sums, Inputs x, Weights weights) {
    return {_mm256_add_epi32(sums.low, _mm256_madd_epi16(weights.low, x)),
            _mm256_add_epi32(sums.high, _mm256_madd_epi16(weights.high, x))};
  }
  static void settle(V& sums) { asm("" : "+x"(sums.low), "+x"(sums.high)); }
  static __m256 to_float(V sums) {
    // Neighbours are added within halves of the vector, which leaves pairs of outputs in the order 0 4 2 6.
    const __m256i mixed = _mm256_hadd_epi32(sums.low, sums.high);
    return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(mixed, 0b11011000));
  }
};

// 15 × 127 and so four of its like fit in 16 bits, so that bytes may be multiplied in pairs.
struct Four : Nibbles256 {
  struct Shape {
    static constexpr int kTilesAlone = 1;
    static constexpr int kVectorsAlone = 8;
    static constexpr int kVectors = 2;
    static constexpr int kRows = 2;
  };

  static V add(V sum, Inputs x_low, Inputs x_high, Weights both) {
    const __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(low(both), x_low), _mm256_maddubs_epi16(high(both), x_high));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
};

using Frame = OverTime<Float256, Dot, Four>;

}  // namespace

extern const InstructionSet kAvx2 = {"avx2", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn
