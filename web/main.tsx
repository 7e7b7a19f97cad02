/**
 * The page's entry: styles, then the app.
 * @module
 */
import { render } from 'preact';
import './style/base.css';
import './style/narrow.css';
import './style/print.css';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
