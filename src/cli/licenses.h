// The licences of everything that is inside the program.
#pragma once

namespace qk {

// third_party/notices.txt: the works of others in the program, and their licence texts.
const char* third_party_notices();

}  // namespace qk
