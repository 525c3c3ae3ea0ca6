/* What Debian's libstdc++.so.6 and libgcc_s.so.1 take from glibc and musl does not have. Installed under the name of glibc's loader, which
 * both of them list as a needed library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

extern size_t strftime_l(char *, size_t, const char *, const struct tm *, locale_t);

char __libc_single_threaded = 0;

struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;

int __cpu_indicator_init(void) { return 0; }

size_t __strftime_l(char *s, size_t n, const char *format, const struct tm *tm, locale_t locale) {
  return strftime_l(s, n, format, tm, locale);
}

unsigned arc4random(void) {
  unsigned value;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}

/* Destructors of thread-local objects do not run: memory of a thread that ends is all that is lost. */
int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *dso) {
  (void)destructor, (void)object, (void)dso;
  return 0;
}

/* The unwinder asks which loaded object holds an address, and where its table of frames is. */
struct search { char *address; struct dl_find_object *result; };

static int visit(struct dl_phdr_info *object, size_t size, void *data) {
  struct search *search = data;
  char *start = NULL, *end = NULL, *eh_frame = NULL;
  (void)size;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &object->dlpi_phdr[i];
    char *from = (char *)object->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && search->address >= from && search->address < from + header->p_memsz) {
      start = from;
      end = from + header->p_memsz;
    }
    if (header->p_type == PT_GNU_EH_FRAME) eh_frame = from;
  }
  if (start == NULL || eh_frame == NULL) return 0;
  search->result->dlfo_flags = 0;
  search->result->dlfo_map_start = start;
  search->result->dlfo_map_end = end;
  search->result->dlfo_link_map = NULL;
  search->result->dlfo_eh_frame = eh_frame;
  return 1;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
  struct search search = {address, result};
  return dl_iterate_phdr(visit, &search) ? 0 : -1;
}
