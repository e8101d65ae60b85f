# Turns a text file into a C header: cmake -DIN=grant.lua -DOUT=grant.lua.h -DNAME=grant_lua -P embed.cmake
# The header defines NAME (the bytes and a NUL) and NAME_sha1 (of the bytes, hexadecimal).
file(READ "${IN}" bytes HEX)
file(SHA1 "${IN}" sha1)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
# A byte of more than 7 bits is no char as a number, but it is one as a character.
string(REGEX REPLACE "0x([89a-f].)," "'\\\\x\\1'," bytes "${bytes}")
file(WRITE "${OUT}" "static const char ${NAME}[] = {\n${bytes}0x00};\nstatic const char ${NAME}_sha1[] __attribute__((unused)) = \"${sha1}\";\n")
