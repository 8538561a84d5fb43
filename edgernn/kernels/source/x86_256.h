// What the x86 sets of 256-bit vectors share.
#pragma once

#include <immintrin.h>

#include "over_time.h"

namespace edgernn {
namespace {

// Sixteen registers.
struct Shape256 {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 8;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 3;
};

struct Float256 {
  using Shape = Shape256;
  static constexpr int kLanes = 8;
  using V = __m256;

  static V zero() { return _mm256_setzero_ps(); }
  static V load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, V v) { _mm256_storeu_ps(to, v); }
  static V broadcast(const float* from) { return _mm256_broadcast_ss(from); }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm256_mul_ps(a, b); }
  static V fused(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static void settle(V& v) { asm("" : "+x"(v)); }
};

// What int4 products of 256-bit vectors have in common; weights are bytes without a sign, inputs have one.
struct Nibbles256 {
  static constexpr int kLanes = 8;
  using V = __m256i;
  using Inputs = __m256i;
  using Weights = __m256i;  // two a byte

  static V start(const int32_t* sum) { return _mm256_set1_epi32(*sum); }
  static Inputs broadcast(const int8_t* group) { return _mm256_set1_epi32(group_of(group)); }
  static Weights load(const uint8_t* weights) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
  }
  static __m256i low(Weights both) { return _mm256_and_si256(both, _mm256_set1_epi8(15)); }
  static __m256i high(Weights both) { return low(_mm256_srli_epi16(both, 4)); }
  static void settle(V& sum) { asm("" : "+x"(sum)); }
  static __m256 to_float(V sum) { return _mm256_cvtepi32_ps(sum); }
  static __m256 scales(const uint16_t* halves) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves)));
  }
  static __m256 fused(__m256 a, __m256 b, __m256 c) { return _mm256_fmadd_ps(a, b, c); }
};

}  // namespace
}  // namespace edgernn
