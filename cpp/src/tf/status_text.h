#ifndef TFTRT_TF_STATUS_TEXT_H_
#define TFTRT_TF_STATUS_TEXT_H_

#include <string>
#include <string_view>

namespace tftrt {

// A message of TensorFlow's without tracebacks and with plain names of nodes: the cause stays. conversion/causes.py is
// the same in Python.
std::string CauseOf(std::string_view message);

// The type of the op that TensorFlow found no kernel for; empty if the message is about something else.
std::string OpWithoutKernel(std::string_view message);

// Why this process cannot run an op that has no kernel for its CPU, and a remedy.
std::string ExplainMissingKernel(const std::string& op);

}  // namespace tftrt

#endif  // TFTRT_TF_STATUS_TEXT_H_
