#include "instruction_sets.h"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__) || defined(_M_X64)
#define EDGERNN_X86 1
#include <cpuid.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#define EDGERNN_ARM 1
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif
#endif

namespace edgernn {

extern const InstructionSet kPlain;
#if EDGERNN_X86
extern const InstructionSet kAvx2, kAvxVnni, kAvx512, kAvx512Vnni;
#elif EDGERNN_ARM
extern const InstructionSet kNeon, kNeonDot;
#endif

namespace {

#if EDGERNN_X86
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1u << 4)) != 0;
}
#elif EDGERNN_ARM
bool has_dot_product() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  int found = 0;
  size_t size = sizeof found;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &found, &size, nullptr, 0) == 0 && found != 0;
#elif defined(_WIN32)
  return IsProcessorFeaturePresent(PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE) != 0;
#else
  return false;
#endif
}
#endif

std::vector<const InstructionSet*> detect() {
  std::vector<const InstructionSet*> found;
#if EDGERNN_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) found.push_back(&kAvx512Vnni);
  if (avx2 && has_avx_vnni()) found.push_back(&kAvxVnni);
  if (avx512) found.push_back(&kAvx512);
  if (avx2) found.push_back(&kAvx2);
#elif EDGERNN_ARM
  if (has_dot_product()) found.push_back(&kNeonDot);
  found.push_back(&kNeon);
#endif
  found.push_back(&kPlain);
  return found;
}

}  // namespace

std::vector<const InstructionSet*> available_sets() {
  static const std::vector<const InstructionSet*> sets = detect();
  return sets;
}

const InstructionSet& chosen_set() {
  const auto sets = available_sets();
  const char* forced = std::getenv(kForceVariable);
  if (forced == nullptr || *forced == '\0') return *sets.front();
  std::string names;
  for (const InstructionSet* set : sets) {
    if (std::string(forced) == set->name) return *set;
    names += std::string(names.empty() ? "" : ", ") + set->name;
  }
  throw std::runtime_error(std::string(kForceVariable) + " is '" + forced +
                           "'; this processor and this build have: " + names + ".");
}

std::string describe_sets() {
  std::string chosen = "null";
  try {
    chosen = std::string("\"") + chosen_set().name + "\"";
  } catch (const std::runtime_error&) {
    // Told as null; who registers the library gets the message.
  }
  std::string names;
  for (const InstructionSet* set : available_sets()) {
    names += std::string(names.empty() ? "\"" : ", \"") + set->name + "\"";
  }
  const char* forced = std::getenv(kForceVariable);
  const bool is_forced = forced != nullptr && *forced != '\0';
  return "{\"chosen\": " + chosen + ", \"available\": [" + names +
         "], \"forced\": " + (is_forced ? "true" : "false") + "}";
}

}  // namespace edgernn
