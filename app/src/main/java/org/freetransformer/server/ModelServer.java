package org.freetransformer.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Nearest;

/**
 * Serves a model by HTTP. Connections have a virtual thread each, which read, check and answer; the
 * model is used by the thread that called {@link #run} alone, one request after the other.
 */
public final class ModelServer implements AutoCloseable {
  private static final String ASSETS = "/assets/";
  private static final int BACKLOG = 128;

  /** Most of the time that writing a piece of an answer may take. */
  private static final long WRITE_SECONDS = 30;

  /** Milliseconds without news after which who waits for an answer is sent a sign of life. */
  private static final long PATIENCE = 5000;

  /** How long answers under way are waited for at the end. */
  private static final int LAST_SECONDS = 5;

  /** Limits of the JDK's server, which reads them when its first one is made. */
  private static final Map<String, String> LIMITS =
      Map.of(
          "sun.net.httpserver.nodelay", "true", // A token is sent at once.
          "sun.net.httpserver.maxReqTime", "30", // Seconds to send a request, body included.
          "sun.net.httpserver.maxReqHeaderSize", "32768",
          "sun.net.httpserver.maxReqHeaders", "100",
          "jdk.httpserver.maxConnections", "1000");

  private record Route(String method, Endpoint endpoint) {}

  private final HttpServer http;
  private final String host;
  private final HostCheck hosts;
  private final ModelQueue queue;
  private final long patience;
  private final WriteLimit limit = new WriteLimit(TimeUnit.SECONDS.toMillis(WRITE_SECONDS));
  private final BiConsumer<String, Throwable> failures;
  private final Map<String, Route> routes = new LinkedHashMap<>();
  private final ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();

  private ModelServer(
      HttpServer http,
      String host,
      int waiting,
      long patience,
      BiConsumer<String, Throwable> failures) {
    this.http = http;
    this.host = host;
    this.hosts = new HostCheck(host, http.getAddress().getAddress());
    this.queue = new ModelQueue(waiting);
    this.patience = patience;
    this.failures = failures;
  }

  /**
   * Takes the port; no one is answered before {@link #run}.
   *
   * @param host name or address to listen on
   * @param port from 0, for any free one, to 65535
   * @param waiting how many requests may wait for the model, 0 or more
   * @param failures told of requests that failed through no fault of theirs
   * @throws ConfigException if there is no such host, or the port is taken or not allowed
   */
  public static ModelServer bind(
      String host, int port, int waiting, BiConsumer<String, Throwable> failures)
      throws IOException {
    return bind(host, port, waiting, PATIENCE, failures);
  }

  /** The same with another patience, in milliseconds, for tests. */
  static ModelServer bind(
      String host, int port, int waiting, long patience, BiConsumer<String, Throwable> failures)
      throws IOException {
    LIMITS.forEach((name, value) -> {
      if (System.getProperty(name) == null) {
        System.setProperty(name, value);
      }
    });
    return new ModelServer(
        listen(new InetSocketAddress(host, port)), host, waiting, patience, failures);
  }

  /** Takes an address, whose name was looked up. */
  static HttpServer listen(InetSocketAddress address) throws IOException {
    if (address.isUnresolved()) {
      throw new ConfigException(
          "--host",
          "'%s' is not known; 127.0.0.1 is this machine alone".formatted(address.getHostString()));
    }
    try {
      return HttpServer.create(address, BACKLOG);
    } catch (SocketException refused) {
      throw refusal(
          address.getHostString(), address.getPort(), String.valueOf(refused.getMessage()));
    }
  }

  private static ConfigException refusal(String host, int port, String reason) {
    if (reason.contains("assign requested address")) {
      return new ConfigException(
          "--host", "'%s' is no address of this machine; 127.0.0.1 always is".formatted(host));
    }
    return new ConfigException(
        "--port",
        "%d of %s cannot be had: %s; --port 0 takes a free one"
            .formatted(port, host, reason.toLowerCase(Locale.ROOT)));
  }

  /** The port that it listens on. */
  public int port() {
    return http.getAddress().getPort();
  }

  /** Where its page is. */
  public String url() {
    return "http://%s:%d/".formatted(HostCheck.inUrl(host), port());
  }

  /** Whether only this machine can reach it. */
  public boolean isLocal() {
    InetAddress address = http.getAddress().getAddress();
    return address.isLoopbackAddress();
  }

  /** How many requests wait for the model at the moment. */
  int waiting() {
    return queue.waiting();
  }

  /**
   * Serves a model until {@link #stop} is called. Only this thread uses it.
   *
   * @param served stays the caller's
   */
  public void run(Served served) {
    addRoutes(served);
    http.setExecutor(handlers);
    http.createContext("/", this::handle);
    http.start();
    queue.work(served::tidy);
    awaitAnswers();
    http.stop(0);
  }

  /** The JDK's server would wait in vain for clients that went away: it goes on counting them. */
  private void awaitAnswers() {
    handlers.shutdown();
    try {
      boolean _ = handlers.awaitTermination(LAST_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void addRoutes(Served served) {
    TextWork work = new TextWork(queue, served, patience);
    routes.put("/", new Route("GET", Page::index));
    routes.put("/health", new Route("GET", call -> call.json(200, Map.of("status", "ok"))));
    routes.put("/api/model", new Route("GET", call -> call.json(200, served.describe())));
    routes.put("/api/tokenize", new Route("POST", new TokenizeEndpoint(served)));
    routes.put("/api/encode", new Route("POST", new EncodeEndpoint(served, work)));
    routes.put("/api/generate", new Route("POST", new GenerateEndpoint(served, work)));
    Map<String, Object> models = models(served);
    routes.put("/v1/models", new Route("GET", call -> call.json(200, models)));
    routes.put("/v1/completions", new Route("POST", new CompletionsEndpoint(served, work)));
  }

  /** The list of all models, as OpenAI's API gives it. */
  private static Map<String, Object> models(Served served) {
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("id", served.name());
    model.put("object", "model");
    model.put("created", Instant.now().getEpochSecond());
    model.put("owned_by", "free-transformer");
    model.put("max_model_len", served.config().maxSeqLen());
    return Map.of("object", "list", "data", List.of(model));
  }

  /** Takes no more requests; the one that runs ends at its next token. Any thread may call this. */
  public void stop() {
    queue.stop();
  }

  private void handle(HttpExchange exchange) {
    Call call = new Call(exchange, limit, failures);
    try (exchange) {
      try {
        addSecurityHeaders(call);
        hosts.require(call.header("Host"));
        dispatch(call);
      } catch (RuntimeException | Error failure) {
        HttpError error = call.errorOf(failure);
        if (call.isAnswered()) {
          call.breakOff();
        } else {
          call.error(error);
        }
      }
    } catch (IOException gone) {
      // Whoever asked went away: no one is left to tell.
    }
  }

  private static void addSecurityHeaders(Call call) {
    call.setHeader(
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    call.setHeader("X-Content-Type-Options", "nosniff");
    call.setHeader("Referrer-Policy", "no-referrer");
    call.setHeader("Cache-Control", "no-store");
  }

  private void dispatch(Call call) throws IOException {
    String path = call.path();
    Route route =
        path.startsWith(ASSETS)
            ? new Route("GET", asked -> Page.asset(asked, path.substring(ASSETS.length())))
            : routes.get(path);
    if (route == null) {
      throw unknown(path);
    }
    boolean head = call.method().equals("HEAD") && route.method().equals("GET");
    if (!head && !call.method().equals(route.method())) {
      String allowed = route.method().equals("GET") ? "GET, HEAD" : route.method();
      throw new HttpError(
              HttpError.METHOD_NOT_ALLOWED,
              "%s %s; allowed is %s".formatted(call.method(), path, allowed))
          .with("Allow", allowed);
    }
    route.endpoint().answer(call);
  }

  private HttpError unknown(String path) {
    String near = Nearest.to(path, routes.keySet()).map("; nearest is %s"::formatted).orElse("");
    return new HttpError(
        HttpError.NOT_FOUND,
        "there is no %s; allowed are %s%s"
            .formatted(path, String.join(", ", routes.keySet()), near));
  }

  @Override
  public void close() {
    http.stop(0);
    limit.close();
    handlers.shutdownNow();
  }
}
