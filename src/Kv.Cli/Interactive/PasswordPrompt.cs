using System.Text;

namespace Kv.Cli.Interactive;

/// <summary>Asks for a password at the terminal, without showing it.</summary>
internal static class PasswordPrompt
{
    /// <param name="name">Whose password.</param>
    /// <param name="screen">Where to ask; standard output is for replies.</param>
    /// <returns>Null when nobody is at a terminal.</returns>
    public static string? Ask(string name, TextWriter screen)
    {
        if (Console.IsInputRedirected)
        {
            return null;
        }

        screen.Write($"password of {Output.TerminalText.Escape(name)}: ");
        screen.Flush();
        var password = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                password.Length = Math.Max(0, password.Length - 1);
            }
            else if (key.KeyChar != '\0')
            {
                password.Append(key.KeyChar);
            }
        }

        screen.Write('\n');
        screen.Flush();
        return password.ToString();
    }
}
