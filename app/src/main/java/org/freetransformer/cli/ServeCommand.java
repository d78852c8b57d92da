package org.freetransformer.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.config.Limits;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.run.SavedModel;
import org.freetransformer.server.ModelServer;
import org.freetransformer.server.Served;
import org.freetransformer.tensor.Engine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code ft serve}: a saved model behind HTTP, with a page that explores its plans. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description =
        "Serves a saved model: the plan explorer in a browser, and an HTTP API (docs/serve.md),"
            + " that of OpenAI's completions included. It answers this machine only, unless --host"
            + " says otherwise. Ctrl-C ends it.")
final class ServeCommand implements Callable<Integer> {
  private static final int MOST_PORT = 65_535;
  private static final int MOST_WAITING = 10_000;

  @ParentCommand private Main main;
  @Mixin private Output output;
  @Mixin private ModelOptions model;
  @Mixin private DeviceOptions device;
  @Mixin private WeightOptions weights;

  @Option(
      names = "--host",
      paramLabel = "HOST",
      description =
          "Address to listen on; 0.0.0.0 lets all of the network in, without a password (default:"
              + " ${DEFAULT-VALUE}).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description =
          "Port to listen on, 0 to "
              + MOST_PORT
              + "; 0 takes a free one (default: ${DEFAULT-VALUE}).")
  private int port = 8080;

  @Option(
      names = "--queue",
      paramLabel = "N",
      description =
          "Requests that may wait for the model, 0 to "
              + MOST_WAITING
              + "; more are told to try again later (default: ${DEFAULT-VALUE}).")
  private int waiting = 16;

  @Override
  public Integer call() throws IOException {
    Limits.between("--port", port, 0, MOST_PORT);
    Limits.between("--queue", waiting, 0, MOST_WAITING);
    try (ModelServer server = ModelServer.bind(host, port, waiting, this::tellFailure);
        SavedModel saved = model.open(output);
        Engine engine = device.open();
        LanguageModel loaded = weights.load(saved, engine)) {
      DataConfig data = saved.dataConfig(output::note);
      Served served =
          new Served(
              model.name(),
              saved.step(),
              loaded,
              Tokenizer.of(data),
              Served.tokenizerName(data),
              weights.type());
      BooleanSupplier _ = main.interruption().listen(() -> stop(server));
      announce(server);
      server.run(served);
    }
    return 0;
  }

  private void stop(ModelServer server) {
    output.note("ft serve: stopping; Ctrl-C again stops at once");
    server.stop();
  }

  private void announce(ModelServer server) {
    output.note("ft serve: %s at %s; Ctrl-C ends it".formatted(model.name(), server.url()));
    if (!server.isLocal()) {
      output.warn("others on the network can use it too: there is no password");
    }
    if (output.isJson()) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("url", server.url());
      object.put("port", server.port());
      output.result(object, "");
    }
  }

  private void tellFailure(String request, Throwable failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    output.problem("%s failed: %s".formatted(request, cause));
    StringWriter trace = new StringWriter();
    cause.printStackTrace(new PrintWriter(trace, true));
    output.detail(trace.toString().stripTrailing());
  }
}
