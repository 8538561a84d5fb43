// What onnxruntime and edgernn call: one function each.
#include <onnxruntime_c_api.h>

#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <tuple>

#include "instruction_sets.h"
#include "node.h"

#if defined(_WIN32)
#define EDGERNN_EXPORT extern "C" __declspec(dllexport)
#else
#define EDGERNN_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace edgernn {
namespace {

// Entries of a session's configuration.
constexpr const char* kFunctionsEntry = "edgernn.functions";  // the names of the file's functions, parted by spaces
constexpr const char* kThreadsEntry = "edgernn.threads";      // as onnxruntime's intra_op_num_threads

// A session's entry; empty where it has none.
std::string entry_of(const OrtApi& api, const OrtSessionOptions* options, const std::string& key) {
  int exists = 0;
  check(api, api.HasSessionConfigEntry(options, key.c_str(), &exists));
  if (exists == 0) return "";
  size_t size = 0;
  check(api, api.GetSessionConfigEntry(options, key.c_str(), nullptr, &size));
  std::string value(size, '\0');
  check(api, api.GetSessionConfigEntry(options, key.c_str(), value.data(), &size));
  value.resize(size == 0 ? 0 : size - 1);  // it counts the ending zero
  return value;
}

// The kinds of nodes of a session. onnxruntime holds pointers to them as long as the session lives, which nobody tells
// the library: sessions that are alike share theirs, and they stay, also while the process ends.
struct Registered {
  OrtCustomOpDomain* domain = nullptr;
  std::vector<std::unique_ptr<NodeKind>> kinds;
};

OrtCustomOpDomain* domain_for(const OrtApi& api, const std::string& functions, int threads) {
  static std::mutex mutex;
  static auto& all = *new std::map<std::tuple<std::string, int, const InstructionSet*>, Registered>();
  const InstructionSet& set = chosen_set();
  const std::lock_guard<std::mutex> guard(mutex);
  const auto key = std::make_tuple(functions, threads, &set);
  if (const auto found = all.find(key); found != all.end()) return found->second.domain;
  std::vector<std::string> names;
  std::istringstream words(functions);
  for (std::string word; words >> word;) names.push_back(word);
  if (names.empty()) names = usual_names();
  Registered registered;
  check(api, api.CreateCustomOpDomain("edgernn", &registered.domain));
  for (const std::string& name : names) {
    const auto parsed = parse_name(name);
    if (!parsed) continue;
    registered.kinds.push_back(std::make_unique<NodeKind>(name, *parsed, threads, set));
    check(api, api.CustomOpDomain_Add(registered.domain, registered.kinds.back().get()));
  }
  return all.emplace(key, std::move(registered)).first->second.domain;
}

}  // namespace
}  // namespace edgernn

// Called by onnxruntime for SessionOptions.register_custom_ops_library and its like.
EDGERNN_EXPORT OrtStatus* ORT_API_CALL RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  using namespace edgernn;
  const OrtApi* api = base->GetApi(kApiVersion);
  if (api == nullptr) return nullptr;  // an older onnxruntime, which runs the portable bodies
  try {
    std::string functions;
    for (int part = 0;; ++part) {
      // An entry's length is limited; more names stand in edgernn.functions.1 and so on.
      const std::string key = kFunctionsEntry + (part == 0 ? std::string() : "." + std::to_string(part));
      const std::string value = entry_of(*api, options, key);
      if (value.empty()) break;
      functions += value + " ";
    }
    const std::string threads = entry_of(*api, options, kThreadsEntry);
    OrtCustomOpDomain* domain = domain_for(*api, functions, threads.empty() ? 1 : std::stoi(threads));
    return api->AddCustomOpDomain(options, domain);
  } catch (const std::exception& error) {
    return api->CreateStatus(ORT_INVALID_ARGUMENT, error.what());
  }
}

// JSON, see describe_sets; valid until the next call in the same thread.
EDGERNN_EXPORT const char* edgernn_kernels_describe() {
  static thread_local std::string text;
  text = edgernn::describe_sets();
  return text.c_str();
}

// Whether there is a kernel for functions of that name.
EDGERNN_EXPORT int edgernn_kernels_has(const char* name) { return edgernn::parse_name(name).has_value() ? 1 : 0; }
