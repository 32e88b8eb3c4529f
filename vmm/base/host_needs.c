#include "vmm/base/host_needs.h"

const struct host_need_info host_needs[HOST_NEEDS] = {
    [HOST_RUN] =
        {"run",
         "/dev/kvm, its VM and vCPUs, the --out directory, stdin, stdout, stderr, an "
         "eventfd and a signalfd, open from the start; a crash report loads libzydis",
         "ioctl read write poll futex madvise munmap brk mmap mprotect openat newfstatat "
         "pread64 lseek getpid gettid tgkill rt_sigaction rt_sigprocmask rt_sigreturn rseq "
         "set_robust_list close exit exit_group"},
    [HOST_READ_FILE] = {"read-file", "a named file, opened at the start",
                        "read pread64 lseek close"},
    [HOST_WRITE_FILE] = {"write-file", "a named file, opened and emptied at the start",
                         "write writev poll close"},
    [HOST_REPORT] = {"report", "a copy of an open descriptor, at the end",
                     "fcntl newfstatat sysinfo brk write close"},
    [HOST_OUT_FILE] =
        {"out-file", "files in the --out directory, created while the guest runs and then renamed",
         "openat newfstatat getrandom write fsync renameat unlinkat close"},
    [HOST_CHECKPOINT] = {"checkpoint",
                         "a file in a named directory, created while the guest runs and then "
                         "renamed; /proc/self/pagemap",
                         "openat newfstatat getrandom ioctl pread64 lseek write pwrite64 ftruncate "
                         "fsync renameat unlinkat getpid gettid tgkill rt_sigreturn brk close"},
    [HOST_EVENT] = {"event", "an eventfd, open from the start", "read write poll close"},
    [HOST_THREAD] = {"thread", "no file",
                     "futex poll rt_sigprocmask rseq set_robust_list madvise exit"},
    [HOST_PORT_EVENT] = {"port-event", "an eventfd that KVM signals", "ioctl read"},
    [HOST_MEMORY_SLOT] = {"memory-slot", "no file", "ioctl"},
    [HOST_DOMAINS] = {"domains", "a VM for each domain; threads begin after the first guest",
                      "clone3 mmap mprotect munmap rseq set_robust_list rt_sigprocmask sched_yield "
                      "futex tgkill getpid rt_sigreturn madvise exit"},
    [HOST_LIBRARY] = {"library", "a shared object and what it needs, loaded before the guest runs",
                      "mmap mprotect munmap openat newfstatat read pread64 close"},
    [HOST_SIGNAL] = {"signal", "the signalfd of the run", "read poll"},
};
