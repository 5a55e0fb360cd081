package io.mars;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the JSON that the library writes: maps, lists, strings, longs, doubles, booleans and null. */
final class Json {
  private final String text;
  private int at;

  private Json(String text) {
    this.text = text;
  }

  static Object parse(String text) {
    Json json = new Json(text);
    Object value = json.value();
    json.space();
    if (json.at != text.length()) throw json.error();
    return value;
  }

  private IllegalStateException error() {
    return new IllegalStateException("malformed JSON at character " + at + ": " + text);
  }

  private void space() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
  }

  /** Skips space; whether the next character is this one, which is then taken. */
  private boolean take(char c) {
    space();
    if (at >= text.length() || text.charAt(at) != c) return false;
    at++;
    return true;
  }

  private void need(char c) {
    if (!take(c)) throw error();
  }

  private Object value() {
    if (take('{')) {
      Map<String, Object> map = new LinkedHashMap<>();
      if (take('}')) return map;
      do {
        need('"');
        String key = string();
        need(':');
        map.put(key, value());
      } while (take(','));
      need('}');
      return map;
    }
    if (take('[')) {
      List<Object> list = new ArrayList<>();
      if (take(']')) return list;
      do list.add(value());
      while (take(','));
      need(']');
      return list;
    }
    if (take('"')) return string();
    int start = at;
    while (at < text.length() && ",]} \t\n\r".indexOf(text.charAt(at)) < 0) at++;
    String word = text.substring(start, at);
    switch (word) {
      case "null":
        return null;
      case "true":
        return true;
      case "false":
        return false;
      default:
        try {
          return Long.valueOf(word);
        } catch (NumberFormatException notAnInteger) {
          try {
            return Double.valueOf(word);
          } catch (NumberFormatException notANumber) {
            throw error();
          }
        }
    }
  }

  /** The rest of a string whose first quote has been taken. */
  private String string() {
    StringBuilder out = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') return out.toString();
      if (c != '\\') {
        out.append(c);
        continue;
      }
      if (at >= text.length()) break;
      c = text.charAt(at++);
      int plain = "\"\\/bfnrt".indexOf(c);
      if (plain >= 0) {
        out.append("\"\\/\b\f\n\r\t".charAt(plain));
      } else if (c == 'u' && at + 4 <= text.length()) {
        out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
        at += 4;
      } else {
        break;
      }
    }
    throw error();
  }
}
