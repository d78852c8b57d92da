package uk.ac.manchester.tornado.api.common;

/** A call of a library. */
public class LibraryTaskDescriptor {
  private String library = "";
  private String function = "";
  private Object[] parameters = {};
  private Access[] access = {};

  /** None yet. */
  public LibraryTaskDescriptor() {}

  /** Of this library. */
  public LibraryTaskDescriptor withLibrary(String libraryName) {
    library = libraryName;
    return this;
  }

  /** Of this function. */
  public LibraryTaskDescriptor withFunction(String functionName) {
    function = functionName;
    return this;
  }

  /** With these arguments. */
  public LibraryTaskDescriptor withParameters(Object[] newParameters) {
    parameters = newParameters.clone();
    return this;
  }

  /** What the function does with each of them. */
  public LibraryTaskDescriptor withAccess(Access[] newAccess) {
    access = newAccess.clone();
    return this;
  }

  /** The function's name. */
  public String getFunctionName() {
    return function;
  }

  /** The library's name. */
  public String getLibraryName() {
    return library;
  }

  /** The arguments. */
  public Object[] getParameters() {
    return parameters.clone();
  }

  /** What the function does with each of them. */
  public Access[] getAccess() {
    return access.clone();
  }
}
