#include "staging/file_system.h"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>

namespace qk {
namespace {

struct KnownFileSystem {
  uint32_t magic;
  const char* name;
  bool is_memory = false;
  bool is_one_server = false;
};

// Sources: linux/magic.h for those with a name of the kernel; the others are not part of Linux, and
// their numbers are those that `stat -f` of GNU coreutils knows (its src/fs.h).
constexpr std::array<KnownFileSystem, 25> kKnown = {{
    {NFS_SUPER_MAGIC, "NFS", false, true},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {CEPH_SUPER_MAGIC, "Ceph"},
    {CIFS_SUPER_MAGIC, "CIFS", false, true},
    {SMB2_SUPER_MAGIC, "SMB", false, true},
    {SMB_SUPER_MAGIC, "SMB", false, true},
    {FUSE_SUPER_MAGIC, "FUSE"},
    {AFS_SUPER_MAGIC, "AFS", false, true},
    {AFS_FS_MAGIC, "AFS", false, true},
    {V9FS_MAGIC, "9P", false, true},
    {CODA_SUPER_MAGIC, "Coda"},
    {OCFS2_SUPER_MAGIC, "OCFS2"},
    {0x01161970, "GFS2"},
    {0xAAD7AAEA, "PanFS"},
    {0x20030528, "OrangeFS"},  // the kernel's fs/orangefs
    {0xBEEFDEAD, "StorNext"},
    {0x013111A8, "IBRIX"},
    {0x61636673, "ACFS"},
    {0xBACBACBC, "VMware's shared folder"},
    {0x786F4256, "VirtualBox's shared folder"},
    {0x7C7C6673, "Parallels' shared folder"},
    {TMPFS_MAGIC, "tmpfs", true},
    {RAMFS_MAGIC, "ramfs", true},
}};

}  // namespace

FileSystemKind file_system_kind(int64_t magic) {
  // Some systems give the number sign-extended.
  const auto* found =
      std::ranges::find(kKnown, static_cast<uint32_t>(magic), &KnownFileSystem::magic);
  if (found == kKnown.end()) return {};
  return {.name = found->name,
          .is_network = !found->is_memory,
          .is_memory = found->is_memory,
          .is_one_server = found->is_one_server};
}

FileSystemKind file_system_of(const std::filesystem::path& path) {
  struct statfs status{};
  if (::statfs(path.c_str(), &status) != 0) return {};
  return file_system_kind(static_cast<int64_t>(status.f_type));
}

}  // namespace qk
