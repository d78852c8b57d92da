package org.freetransformer.server;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;

/** The scalar device, whose single instructions wait for a gate to open once it is closed. */
final class GatedDevice implements InvocationHandler {
  private static final int PLENTY = 1_000_000;

  private final Device scalar = Devices.scalar();
  private final Semaphore gate = new Semaphore(PLENTY);
  private final AtomicInteger prepared = new AtomicInteger();

  /** What an engine takes. */
  Device device() {
    return (Device)
        Proxy.newProxyInstance(
            GatedDevice.class.getClassLoader(), new Class<?>[] {Device.class}, this);
  }

  void closeGate() {
    gate.drainPermits();
  }

  void openGate() {
    gate.release(PLENTY);
  }

  /** Waits until the model's thread stands before the gate. */
  void awaitHeld() throws InterruptedException {
    while (!gate.hasQueuedThreads()) {
      Thread.sleep(1);
    }
  }

  /** How many instructions went through. */
  int prepared() {
    return prepared.get();
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    if (method.getName().equals("prepare")) {
      gate.acquireUninterruptibly();
      prepared.incrementAndGet();
    }
    try {
      return method.invoke(scalar, arguments);
    } catch (InvocationTargetException failure) {
      throw failure.getCause();
    }
  }
}
