#ifndef TFTRT_TESTS_CPP_C_API_CHECK_H_
#define TFTRT_TESTS_CPP_C_API_CHECK_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tftrt/c_api.h"

/* The first check that fails ends the program. */
#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      exit(EXIT_FAILURE);                                                      \
    }                                                                          \
  } while (0)

#define CHECK_TEXT(text, expected) CheckText(__FILE__, __LINE__, text, expected)
#define CHECK_OK(status) CheckStatus(__FILE__, __LINE__, status, TFTRT_OK, "")

/* An error of this code, whose message contains `part`. */
#define CHECK_FAILS(status, code, part) CheckStatus(__FILE__, __LINE__, status, code, part)

static inline void CheckText(const char* file, int line, const char* text, const char* expected) {
  if (text != NULL && strcmp(text, expected) == 0) return;
  fprintf(stderr, "%s:%d: expected \"%s\", found \"%s\"\n", file, line, expected, text == NULL ? "(NULL)" : text);
  exit(EXIT_FAILURE);
}

static inline void CheckStatus(const char* file, int line, tftrt_status* status, tftrt_code code, const char* part) {
  if (tftrt_status_code(status) != code || strstr(tftrt_status_message(status), part) == NULL) {
    fprintf(stderr, "%s:%d: expected %s with \"%s\", found %s: %s\n", file, line, tftrt_code_name(code), part,
            tftrt_code_name(tftrt_status_code(status)), tftrt_status_message(status));
    exit(EXIT_FAILURE);
  }
  tftrt_status_free(status);
}

#endif /* TFTRT_TESTS_CPP_C_API_CHECK_H_ */
