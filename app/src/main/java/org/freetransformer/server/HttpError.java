package org.freetransformer.server;

import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.jspecify.annotations.Nullable;

/** A request that is answered by an error. */
final class HttpError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  static final int BAD_REQUEST = 400;
  static final int FORBIDDEN = 403;
  static final int NOT_FOUND = 404;
  static final int METHOD_NOT_ALLOWED = 405;
  static final int TOO_LARGE = 413;
  static final int UNSUPPORTED_TYPE = 415;
  static final int INTERNAL = 500;
  static final int UNAVAILABLE = 503;

  private final int status;
  private final String problem;
  private final String field;
  private final transient Map<String, String> headers;

  private HttpError(int status, String problem, String field, Map<String, String> headers) {
    super(problem);
    this.status = status;
    this.problem = problem;
    this.field = field;
    this.headers = headers;
  }

  HttpError(int status, String problem) {
    this(status, problem, "", Map.of());
  }

  /** The same with a header. */
  HttpError with(String header, String value) {
    return new HttpError(status, problem, field, Map.of(header, value));
  }

  /** Bad input, told with its key but without the place in the file that it did not come from. */
  static HttpError of(ConfigException wrong) {
    String field = wrong.key();
    return field.isEmpty()
        ? new HttpError(BAD_REQUEST, String.valueOf(wrong.getMessage()))
        : new HttpError(BAD_REQUEST, field + ": " + wrong.problem(), field, Map.of());
  }

  /** One that does not say what went wrong, which is no one's business. */
  static HttpError internal() {
    return new HttpError(INTERNAL, "the server failed; its standard error says more");
  }

  static HttpError stopping() {
    return new HttpError(UNAVAILABLE, "the server is stopping").with("Retry-After", "10");
  }

  int status() {
    return status;
  }

  /** What is wrong, what is allowed, the nearest valid choice. */
  String problem() {
    return problem;
  }

  /** The key that is wrong, with dots between nested keys; empty if it is none. */
  String field() {
    return field;
  }

  /** As it is told by all but the endpoints that speak OpenAI's language. */
  Map<String, Object> json() {
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("message", problem);
    if (!field.isEmpty()) {
      error.put("field", field);
    }
    return Map.of("error", error);
  }

  /** As OpenAI's API tells it. */
  Map<String, Object> openAiJson() {
    Map<String, @Nullable Object> error = new LinkedHashMap<>();
    error.put("message", problem);
    error.put("type", status < INTERNAL ? "invalid_request_error" : "server_error");
    error.put("param", field.isEmpty() ? null : field);
    error.put("code", null);
    return Map.of("error", error);
  }

  Map<String, String> headers() {
    return headers;
  }
}
