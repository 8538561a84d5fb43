// What the x86 sets of 512-bit vectors share.
#pragma once

#include <immintrin.h>

#include "over_time.h"

namespace edgernn {
namespace {

// Thirty-two registers.
struct Shape512 {
  static constexpr int kTilesAlone = 2;
  static constexpr int kVectorsAlone = 4;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 6;
};

struct Float512 {
  using Shape = Shape512;
  static constexpr int kLanes = 16;
  using V = __m512;

  static V zero() { return _mm512_setzero_ps(); }
  static V load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, V v) { _mm512_storeu_ps(to, v); }
  static V broadcast(const float* from) { return _mm512_set1_ps(*from); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm512_mul_ps(a, b); }
  static V fused(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static void settle(V& v) { asm("" : "+v"(v)); }
};

// What int4 products of 512-bit vectors have in common; weights are bytes without a sign, inputs have one.
struct Nibbles512 {
  static constexpr int kLanes = 16;
  using Inputs = __m512i;
  using Weights = __m512i;  // two a byte

  static Inputs broadcast(const int8_t* group) { return _mm512_set1_epi32(group_of(group)); }
  static Weights load(const uint8_t* weights) { return _mm512_loadu_si512(weights); }
  static __m512i low(Weights both) { return _mm512_and_si512(both, _mm512_set1_epi8(15)); }
  static __m512i high(Weights both) { return low(_mm512_srli_epi16(both, 4)); }
  static __m512 scales(const uint16_t* halves) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves)));
  }
  static __m512 fused(__m512 a, __m512 b, __m512 c) { return _mm512_fmadd_ps(a, b, c); }
};

}  // namespace
}  // namespace edgernn
