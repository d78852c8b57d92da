package org.freetransformer.server;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.generate.TextGenerator.Piece;

/** Text that the model's thread writes for a client's, which waits for it or passes it on. */
final class TextWork {
  /** Seconds without a piece after which a client is sent a sign of life. */
  private static final long PATIENCE = 5;

  /** Where pieces go. */
  interface PieceSink {
    /** Takes the next piece. */
    void piece(Piece piece) throws IOException;

    /** Is told that none has come for a while. */
    void idle() throws IOException;
  }

  private final ModelQueue queue;
  private final TextGenerator generator;

  TextWork(ModelQueue queue, TextGenerator generator) {
    this.queue = queue;
    this.generator = generator;
  }

  /** All samples, once they are written. */
  List<TextGenerator.Sample> write(TextGenerator.Request request) {
    return result(
        queue.submit(() -> generator.generate(request, _ -> queue.requireWanted()), () -> {}));
  }

  /** Text under way. Its pieces wait for the client, so that the model does not. */
  final class Stream implements AutoCloseable {
    private final BlockingQueue<Optional<Piece>> pieces = new LinkedBlockingQueue<>();
    private final FutureTask<List<TextGenerator.Sample>> task;

    private Stream(TextGenerator.Request request) {
      Callable<List<TextGenerator.Sample>> work =
          () ->
              generator.generate(
                  request,
                  piece -> {
                    queue.requireWanted();
                    pieces.add(Optional.of(piece));
                  });
      task = queue.submit(work, () -> pieces.add(Optional.empty()));
    }

    /**
     * Passes the pieces on, then returns all samples.
     *
     * @throws IOException if the sink fails
     */
    List<TextGenerator.Sample> passOn(PieceSink sink) throws IOException {
      try {
        while (true) {
          Optional<Piece> next = pieces.poll(PATIENCE, TimeUnit.SECONDS);
          if (next == null) {
            sink.idle();
          } else if (next.isPresent()) {
            sink.piece(next.get());
          } else {
            return result(task);
          }
        }
      } catch (InterruptedException _) {
        throw HttpError.stopping();
      }
    }

    /** Ends the text at its next token, if it still goes on. */
    @Override
    public void close() {
      task.cancel(false);
    }
  }

  /**
   * Begins to write.
   *
   * @throws HttpError if too many requests wait already
   */
  Stream stream(TextGenerator.Request request) {
    return new Stream(request);
  }

  /** What a task gives, or the error that its failure means to the client. */
  static <T> T result(FutureTask<T> task) {
    try {
      return task.get();
    } catch (ExecutionException failed) {
      throw failed.getCause() instanceof HttpError error
          ? error
          : new IllegalStateException(failed.getCause());
    } catch (CancellationException | InterruptedException _) {
      task.cancel(false);
      throw HttpError.stopping();
    }
  }
}
